package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/xdpload/xdpload/internal/peers"
)

// witnesses are programs that tests compare ours with, or run. Those
// that the host has go into the guest, at the same path.
var witnesses = []string{"ip", "tc", "rtmon", "bpftool", "bash", "objdump", "tcpdump"}

// program adds an executable and the shared libraries that it needs.
func (a *archive) program(name, file string) error {
	if err := a.copy(name, file); err != nil {
		return err
	}
	libs, err := sharedLibraries(file)
	if err != nil {
		return err
	}
	for _, lib := range libs {
		if err := a.copy(lib, lib); err != nil {
			return err
		}
	}
	return nil
}

// copy adds the file that a path leads to, through symbolic links.
func (a *archive) copy(name, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	a.file(name, info.Mode(), data)
	return nil
}

// A line of the dynamic loader: "libelf.so.1 => /lib/.../libelf.so.1 (0x…)" or
// "/lib64/ld-linux-x86-64.so.2 (0x…)".
var libraryLine = regexp.MustCompile(`(?m)(/\S+) \(0x[0-9a-f]+\)$`)

// sharedLibraries lists the libraries of an executable, the loader included,
// as its loader finds them: none for a static one or a script.
func sharedLibraries(file string) ([]string, error) {
	if !dynamic(file) {
		return nil, nil
	}
	c := exec.Command(file)
	c.Env = append(os.Environ(), "LD_TRACE_LOADED_OBJECTS=1") // which ld.so(8) lists, and runs nothing
	out, err := outputOf(c)
	if err != nil {
		return nil, fmt.Errorf("libraries of %s: %w", file, err)
	}
	var libs []string
	for _, m := range libraryLine.FindAllStringSubmatch(out, -1) {
		libs = append(libs, m[1])
	}
	return libs, nil
}

// dynamic reports whether a file is an executable that asks for a loader.
func dynamic(file string) bool {
	f, err := elf.Open(file)
	if err != nil {
		return false // a script
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}

// guestPeers is where [peers.Bin] looks in a guest.
const guestPeers = "root/.cache/xdpload/kernels/peers/bin"

// addPeers adds the newest peers, at the path that the loader and libraries of
// theirs have.
func (a *archive) addPeers() error {
	dir, err := peers.Bin()
	if errors.Is(err, peers.ErrNotFetched) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range peers.Programs {
		file := filepath.Join(dir, p.Name)
		if err := a.program(file, file); err != nil {
			return err
		}
	}
	if dir != "/"+guestPeers {
		a.symlink(guestPeers, dir)
	}
	return nil
}

// addWitnesses adds the witnesses that the host has, and the files that they
// read: iproute2's names, and the locale that programs of tests ask for.
func (a *archive) addWitnesses() error {
	for _, w := range witnesses {
		file, err := exec.LookPath(w)
		if err != nil {
			continue
		}
		if err := a.program(file, file); err != nil {
			return err
		}
	}
	for _, pattern := range []string{"/etc/iproute2/*", "/usr/lib/locale/C.utf8/*", "/usr/lib/locale/C.utf8/*/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, n := range names {
			if info, err := os.Stat(n); err != nil || !info.Mode().IsRegular() {
				continue
			}
			if err := a.copy(n, n); err != nil {
				return err
			}
		}
	}
	return nil
}
