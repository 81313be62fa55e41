package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cilium/ebpf/btf"
)

// OpenTypes reads the types of a kernel from a file: raw BTF, as in
// /sys/kernel/btf/vmlinux, or an ELF file with a section .BTF, a vmlinux.
func OpenTypes(name string) (*btf.Spec, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := checkTypes(f); err != nil {
		return nil, fmt.Errorf("%s: no types of a kernel: %w", name, err)
	}
	types, err := btf.LoadSpecFromReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: no types of a kernel: %w", name, err)
	}
	return types, nil
}

// checkTypes looks at the beginning, as a file without end would be read on and on.
func checkTypes(r io.ReaderAt) error {
	var b [4]byte
	n, err := r.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	const magic = 0xeb9f // BTF_MAGIC of include/uapi/linux/btf.h
	switch {
	case n == 0:
		return errors.New("the file is empty")
	case string(b[:]) == "\x7fELF", binary.LittleEndian.Uint16(b[:]) == magic, binary.BigEndian.Uint16(b[:]) == magic:
		return nil
	}
	return fmt.Errorf("it begins with % x, which is neither BTF nor ELF", b[:n])
}

// nativeOrder is the byte order of the machine, by the name that cilium/ebpf
// knows it by.
func nativeOrder() binary.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}
