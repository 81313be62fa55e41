package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
)

// Kind is what sort of object is pinned.
type Kind uint8

// The kinds of object.
const (
	Map     = Kind(sys.KindMap)
	Program = Kind(sys.KindProgram)
	Link    = Kind(sys.KindLink)
)

var kindNames = [...]string{Map: "map", Program: "program", Link: "link"}

// String returns "map", "program" or "link".
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// MarshalText returns what String returns.
func (k Kind) MarshalText() ([]byte, error) {
	return []byte(k.String()), nil
}

// Entry is one pin.
type Entry struct {
	Path   string
	Kind   Kind
	ID     uint32   // 0 for an iterator of the kernel's own that cannot be opened
	Type   uint32   // BPF_MAP_TYPE_*, BPF_PROG_TYPE_* or BPF_LINK_TYPE_*, by Kind
	Name   string   // the object's, up to 15 bytes; links have none
	Tag    string   // a program's, 16 hex digits
	MapIDs []uint32 // of the maps that a program uses
	ProgID uint32   // of the program that a link attaches
	// Severed is a link of a device that is gone, or that was detached: it holds
	// nothing, and never will.
	Severed bool
	// UID and Mode are the owner and the permissions of the pin, and Made is when
	// it was pinned.
	UID  uint32
	Mode fs.FileMode
	Made time.Time
}

// Walk yields every pin at dir and below, in the order of the names. An empty
// dir is the root. What cannot be read is yielded as an error with the path set
// in the Entry, and the walk goes on: a BPF file system may hold pins of other
// users. Symbolic links are not followed, the journal of a running transaction
// is left out. A dir that is not there or not on a BPF file system is the one
// error of an Entry without a path.
func (f *FS) Walk(dir string) iter.Seq2[Entry, error] {
	if dir == "" {
		dir = f.root
	}
	return func(yield func(Entry, error) bool) {
		if _, err := Open(dir); err != nil {
			yield(Entry{}, err)
			return
		}
		journals := []string{filepath.Join(f.abs(home), journalOpen), filepath.Join(f.abs(home), journalClosed)}
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if d != nil && d.IsDir() && slices.Contains(journals, path) {
				return fs.SkipDir
			}
			if err == nil && !d.Type().IsRegular() {
				return nil
			}
			e := Entry{Path: path}
			if err == nil {
				e, err = readEntry(path)
				e.readInode(d)
			}
			if !yield(e, err) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

// Programs returns the paths of all pinned programs, by program id. What cannot
// be read is left out.
func (f *FS) Programs() map[uint32][]string {
	paths := make(map[uint32][]string)
	for e, err := range f.Walk("") {
		if err == nil && e.Kind == Program {
			paths[e.ID] = append(paths[e.ID], e.Path)
		}
	}
	return paths
}

func (e *Entry) readInode(d fs.DirEntry) {
	st, err := d.Info()
	if err != nil {
		return // gone since it was opened
	}
	e.Mode, e.Made = st.Mode().Perm(), st.ModTime()
	if raw, ok := st.Sys().(*syscall.Stat_t); ok {
		e.UID = raw.Uid
	}
}

// readEntry opens a pin and asks for its info: two bpf(2) calls.
func readEntry(path string) (Entry, error) {
	e := Entry{Path: path}
	fd, kind, err := sys.OpenPinned(path)
	if errors.Is(err, fs.ErrNotExist) && isPreloaded(path) {
		e.Kind, e.Type = Link, linkTypeIter
		return e, nil
	}
	if err != nil {
		return e, err
	}
	defer sys.Close(fd)
	e.Kind = Kind(kind)
	err = e.read(fd)
	if errors.Is(err, unix.ENODEV) {
		err = fmt.Errorf("the device that it was offloaded to is gone: %w", unix.ENODEV)
	}
	if err != nil {
		return e, &fs.PathError{Op: "read pin", Path: path, Err: err}
	}
	return e, nil
}

// linkTypeIter is BPF_LINK_TYPE_ITER of include/uapi/linux/bpf.h.
const linkTypeIter = 4

// isPreloaded knows the iterators maps.debug and progs.debug that the kernel
// pins on every mount (CONFIG_BPF_PRELOAD; kernel/bpf/inode.c,
// populate_bpffs), and does not let open in every mount namespace. A dot is in
// no other name.
func isPreloaded(path string) bool {
	_, err := os.Lstat(path)
	return err == nil && filepath.Ext(path) == ".debug"
}

func (e *Entry) read(fd int) error {
	switch e.Kind {
	case Map:
		info, err := sys.InfoOfMap(fd)
		if err != nil {
			return err
		}
		e.ID, e.Type, e.Name = info.ID, info.Type, info.Name.String()
	case Program:
		info, err := sys.InfoOfProgram(fd)
		if err != nil {
			return err
		}
		e.ID, e.Type, e.Name, e.Tag, e.MapIDs = info.ID, info.Type, info.Name.String(), info.Tag.String(), info.MapIDs
	case Link:
		info, err := sys.InfoOfLink(fd)
		if err != nil {
			return err
		}
		e.ID, e.Type, e.ProgID, e.Severed = info.ID, info.Type, info.Program, info.Severed()
	}
	return nil
}

// Missing says why nothing is pinned at a path: it is a symbolic link to what is not there,
// or has no entry at all. The error is os.ErrNotExist.
func Missing(path string) error {
	if to, err := os.Readlink(path); err == nil {
		return fmt.Errorf("a symbolic link to %s: %w", to, unix.ENOENT)
	}
	return unix.ENOENT
}
