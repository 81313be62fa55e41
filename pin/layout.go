package pin

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dir is the directory that iproute2 has for a family of program types. All
// are the same directory: tc, with symbolic links to it from the others
// (iproute2, lib/bpf_legacy.c, bpf_gen_hierarchy).
type Dir string

// The directories of the program types.
const (
	TC  Dir = "tc"  // classifiers and actions
	XDP Dir = "xdp" // XDP programs
	IP  Dir = "ip"  // lightweight tunnels
)

const (
	globals = "globals"
	dirMode = 0o700
)

// aliases are the directories that are links to TC.
var aliases = [...]Dir{XDP, IP}

// Pinning is where a map asks to be pinned: the number in the pinning field of
// struct bpf_elf_map (iproute2, include/bpf_elf.h). Numbers above GlobalNS
// are looked up in a [Database].
type Pinning uint32

// The numbers that iproute2 gives a meaning.
const (
	None     Pinning = 0 // not pinned
	ObjectNS Pinning = 1 // shared by the programs of one object file
	GlobalNS Pinning = 2 // shared by all; LIBBPF_PIN_BY_NAME too
)

// Object is what the pin paths of an object file's maps depend on.
type Object struct {
	Dir      Dir       // of the programs' type; TC if empty
	SHA1     [20]byte  // of the whole file, for ObjectNS
	Database *Database // for numbers above GlobalNS; may be nil
}

// MapPath returns the absolute path at which iproute2 pins the map called name
// of an object, or "" for None: <root>/tc/<SHA-1, 40 hex digits>/name,
// <root>/tc/globals/name, or <root>/<subpath of the database>/name. A number
// that the database does not have is an error.
func (f *FS) MapPath(o Object, name string, p Pinning) (string, error) {
	name = FileName(name)
	switch p {
	case None:
		return "", nil
	case ObjectNS:
		return filepath.Join(f.dir(o.Dir), hex.EncodeToString(o.SHA1[:]), name), nil
	case GlobalNS:
		return filepath.Join(f.dir(o.Dir), globals, name), nil
	}
	sub, err := o.Database.Subpath(p)
	if err != nil {
		return "", fmt.Errorf("map %s: %w", name, err)
	}
	return filepath.Join(f.root, sub, name), nil
}

// Path returns the absolute path for one from the command line: "m:REST" means
// REST in the directory of the program's type, all else stands for itself.
func (f *FS) Path(d Dir, path string) string {
	if rest, ok := strings.CutPrefix(path, "m:"); ok {
		return filepath.Join(f.dir(d), rest)
	}
	return path
}

// dir is TC's directory also for the others, unless an iproute2 from before
// the links made a directory of its own. The links' own targets are absolute
// and wrong when the file system is mounted elsewhere too: they are not
// followed.
func (f *FS) dir(d Dir) string {
	if d != TC && d != "" {
		if st, err := os.Lstat(f.abs(string(d))); err == nil && st.Mode().Type() == fs.ModeDir {
			return f.abs(string(d))
		}
	}
	return f.abs(string(TC))
}

// unalias returns a path, seen from the root, without the link at its beginning.
func (f *FS) unalias(rel string) string {
	top, rest, below := strings.Cut(rel, string(filepath.Separator))
	if below && slices.Contains(aliases[:], Dir(top)) {
		return filepath.Join(filepath.Base(f.dir(Dir(top))), rest)
	}
	return rel
}

// inLayout says whether a path, seen from the root, is in iproute2's tree.
func inLayout(rel string) bool {
	top, _, _ := strings.Cut(rel, string(filepath.Separator))
	return Dir(top) == TC || Dir(top) == XDP || Dir(top) == IP
}
