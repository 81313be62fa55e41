// Package peers finds the newest releases of the programs that ours is compared
// with. The machine's own are as old as its distribution; "make peers" fetches
// others, with their libraries, and leaves the machine's alone.
package peers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// A Program is one of them.
type Program struct {
	Name    string
	Package string // of Debian
}

// Programs are those that are fetched.
var Programs = []Program{
	{"ip", "iproute2"},
	{"tc", "iproute2"},
	{"rtmon", "iproute2"},
	{"bpftool", "bpftool"},
	{"xdp-loader", "xdp-tools"},
	{"veristat", "veristat"},
}

// ErrNotFetched is the error of [Bin] before "make peers".
var ErrNotFetched = errors.New("make peers has not fetched it")

// Cache is the directory below which the project keeps what it fetches, in
// XDG_CACHE_HOME or the user's home. All of it may be deleted. It need not exist.
func Cache() (string, error) {
	base := os.Getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(base) {
		home, err := homeDir()
		if err != nil {
			return "", fmt.Errorf("no place for what is fetched: %w; set XDG_CACHE_HOME", err)
		}
		base = filepath.Join(home, ".cache")
	}
	return filepath.Join(base, "xdpload"), nil
}

func homeDir() (string, error) {
	if home := os.Getenv("HOME"); home != "" {
		return home, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", err
	}
	return u.HomeDir, nil
}

// VersionsFile is the file in the directory of the programs that [Version] reads:
// a name and a version a line.
const VersionsFile = "VERSIONS"

// Version is the version of a program, such as "7.3.0", as its authors count.
func Version(name string) (string, error) {
	dir, err := Bin()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, VersionsFile))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == name {
			return words[1], nil
		}
	}
	return "", fmt.Errorf("%s does not have %s", VersionsFile, name)
}

// Bin is the directory of the programs, which run from there and nowhere else.
// The error is [ErrNotFetched] where there is none.
func Bin() (string, error) {
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "kernels", "peers", "bin")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotFetched
	}
	return dir, nil
}
