package main

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// archive writes an initramfs: a cpio archive in the "newc" format, laid out
// as Documentation/driver-api/early-userspace/buffer-format.rst of the kernel
// says. Directories on the way to an entry are made by themselves.
type archive struct {
	w    io.Writer
	err  error
	ino  int
	seen map[string]bool
}

func newArchive(w io.Writer) *archive {
	return &archive{w: w, seen: map[string]bool{"": true}}
}

// Bits of c_mode, as in <linux/stat.h>.
const (
	modeDir     = 0o040000
	modeRegular = 0o100000
	modeSymlink = 0o120000
)

// file adds a regular file; the first entry of a name wins.
func (a *archive) file(name string, perm fs.FileMode, data []byte) {
	a.entry(name, modeRegular|uint32(perm.Perm()), data)
}

func (a *archive) symlink(name, target string) {
	a.entry(name, modeSymlink|0o777, []byte(target))
}

func (a *archive) dir(name string) { a.entry(name, modeDir|0o755, nil) }

func (a *archive) entry(name string, mode uint32, data []byte) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if a.seen[name] {
		return
	}
	a.seen[name] = true
	if parent := path.Dir(name); parent != "." {
		a.dir(parent)
	}
	a.ino++
	a.header(name, mode, len(data))
	a.pad(data)
}

// header writes the 110 bytes before a name, and the name.
func (a *archive) header(name string, mode uint32, size int) {
	nlink := 1
	h := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.ino, mode, 0, 0, nlink, 0, size, 0, 0, 0, 0, len(name)+1, 0, name)
	a.pad([]byte(h))
}

// pad writes b, and zeros up to a multiple of four bytes.
func (a *archive) pad(b []byte) {
	if a.err == nil {
		_, a.err = a.w.Write(b)
	}
	if n := -len(b) & 3; n > 0 && a.err == nil {
		_, a.err = a.w.Write(make([]byte, n))
	}
}

// close writes the trailer and returns the first error of all writes.
func (a *archive) close() error {
	a.header("TRAILER!!!", 0, 0)
	return a.err
}
