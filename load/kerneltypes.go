package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
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

// poison is the call that cilium/ebpf puts in the place of an instruction whose
// CO-RE relocation finds nothing (btf/core.go, COREBadRelocationSentinel).
const poison = "call unknown#195896080"

// unresolved finds the CO-RE relocation that a rejection is about, and its line
// of the source: the verifier's last instruction is the poison.
func unresolved(spec *ebpf.ProgramSpec, log []string) (cause, source string) {
	at, ok := poisoned(log)
	if !ok {
		return "", ""
	}
	for it := spec.Instructions.Iterate(); it.Next(); {
		if line, ok := it.Ins.Source().(*btf.Line); ok {
			source = strings.TrimSpace(line.Line()) + " @ " + filepath.Base(line.FileName()) + ":" + strconv.FormatUint(uint64(line.LineNumber()), 10)
		}
		if relocation := btf.CORERelocationMetadata(it.Ins); it.Offset == at && relocation != nil {
			return "CO-RE: the kernel's types have nothing for " + relocation.String(), strings.TrimPrefix(source, " @ ")
		}
	}
	return "", ""
}

// poisoned is the instruction that the verifier was at, if that is the poison.
func poisoned(log []string) (at asm.RawInstructionOffset, ok bool) {
	for _, line := range slices.Backward(log) {
		number, text, _ := strings.Cut(line, ": ")
		if strings.HasSuffix(text, poison) {
			n, err := strconv.ParseUint(number, 10, 32)
			return asm.RawInstructionOffset(n), err == nil
		}
	}
	return 0, false
}
