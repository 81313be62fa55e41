package kerneltypes

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// directory is where the kernel shows its types, and those of each of its modules.
const directory = "/sys/kernel/btf"

// ErrModule says that a module of the kernel has a type of that name: then
// nothing but all types can tell which one is meant.
var ErrModule = errors.New("a kernel module has a type of the same name")

// Named returns those of the running kernel's types that have one of the names,
// flavours of them ("name___flavour") included, and what CO-RE relocations need of
// others: what lies in them by value, and what a pointer that is a type of its own, or a
// typedef of one, points at. They are in the order of the kernel, but have numbers of their own.
//
// The error is os.ErrNotExist for a kernel that does not show its types.
func Named(names []string) (*btf.Spec, error) {
	raw, release, err := read(filepath.Join(directory, "vmlinux"))
	if err != nil {
		return nil, err
	}
	defer release()
	w := want(names)
	kernel, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if err := checkModules(w, kernel); err != nil {
		return nil, err
	}
	return decode(kernel, w)
}

func decode(kernel blob, w *wanted) (*btf.Spec, error) {
	x, err := kernel.scan(w, kernel.name)
	if err != nil {
		return nil, err
	}
	small, err := x.extract()
	if err != nil {
		return nil, err
	}
	return btf.LoadSpecFromReader(bytes.NewReader(small))
}

// extract writes BTF that holds the types found, in their order, and what
// relocations need of others. A relocation of a field does not cross a pointer; one
// that compares types goes on to the next structure.
func (x *index) extract() ([]byte, error) {
	s := btfwire.NewSubset(btfwire.Source{Order: order, Strings: x.names, Record: x.record})
	for _, id := range x.found {
		s.Follow(id, btfwire.Members|btfwire.Pointers)
	}
	s.Copy()
	return s.Encode()
}

// checkModules makes sure that no module has a type of those names.
func checkModules(w *wanted, kernel blob) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "vmlinux" {
			continue
		}
		if err := checkModule(w, kernel, filepath.Join(directory, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// checkModule looks into the types that a module adds. Their names follow those of the kernel.
func checkModule(w *wanted, kernel blob, path string) error {
	raw, release, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // unloaded since
	}
	if err != nil {
		return err
	}
	defer release()
	module, err := parse(raw)
	if err != nil {
		return err
	}
	own := uint32(len(kernel.names))
	x, err := module.scan(w, func(off uint32) []byte {
		if off < own {
			return kernel.names[off:]
		}
		return module.name(off - own)
	})
	if err == nil && len(x.found) > 0 {
		err = ErrModule
	}
	return err
}

// read maps a file, or reads it where the kernel cannot map its types, before Linux 6.16.
func read(path string) (raw []byte, release func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	size := int(info.Size())
	raw, err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err == nil {
		return raw, func() { _ = unix.Munmap(raw) }, nil
	}
	raw = make([]byte, size)
	n, err := f.ReadAt(raw, 0)
	if err != nil && n < size {
		return nil, nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return raw, func() {}, nil
}
