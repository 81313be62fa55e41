package elf

import (
	"debug/elf"
	"encoding/binary"

	"github.com/xdpload/xdpload/elf/internal/image"
	"github.com/xdpload/xdpload/internal/btfwire"
)

type byteOrder = btfwire.ByteOrder

// littleEndian reports whether the order is little endian.
func littleEndian(order binary.ByteOrder) bool { return order.Uint16([]byte{1, 0}) == 1 }

// header is the part of the ELF header that a reader needs.
type header struct {
	order    byteOrder
	machine  elf.Machine
	shoff    uint64
	shnum    int
	shstrndx int
}

// parseHeader reads the ELF header of a relocatable BPF object, and says what the file is if it is none.
func parseHeader(b []byte) (header, error) {
	if err := checkIdent(b); err != nil {
		return header{}, err
	}
	h := header{order: binary.LittleEndian}
	if elf.Data(b[elf.EI_DATA]) == elf.ELFDATA2MSB {
		h.order = binary.BigEndian
	}
	if len(b) < image.HeaderSize {
		return header{}, truncated("the ELF header has %d of %d bytes", len(b), image.HeaderSize)
	}
	h.machine = elf.Machine(h.order.Uint16(b[18:]))
	// Old LLVM leaves e_machine zero.
	if h.machine != elf.EM_BPF && h.machine != elf.EM_NONE {
		return header{}, faultIn("", 0, "an object for %s, not for BPF: compile it with clang -target bpf", h.machine)
	}
	if t := elf.Type(h.order.Uint16(b[16:])); t != elf.ET_REL {
		return header{}, faultIn("", 0, "an ELF file of type %s, not a relocatable object", t)
	}
	return h, h.parseTable(b)
}

// parseTable finds the section header table.
func (h *header) parseTable(b []byte) error {
	h.shoff = h.order.Uint64(b[40:])
	if size := h.order.Uint16(b[58:]); h.shoff != 0 && size != image.SectionSize {
		return faultIn("", 58, "section headers of %d bytes, not %d", size, image.SectionSize)
	}
	n := uint64(h.order.Uint16(b[60:]))
	str := uint32(h.order.Uint16(b[62:]))
	if h.shoff == 0 {
		return faultIn("", 0, "no section headers")
	}
	if h.shoff > uint64(len(b)) || uint64(len(b))-h.shoff < image.SectionSize {
		return truncated("the section headers start at byte %d of %d", h.shoff, len(b))
	}
	// Section 0 holds the numbers that do not fit in 16 bits.
	first := b[h.shoff:]
	if n == 0 {
		n = h.order.Uint64(first[32:])
	}
	if elf.SectionIndex(str) == elf.SHN_XINDEX {
		str = h.order.Uint32(first[40:])
	}
	if n > (uint64(len(b))-h.shoff)/image.SectionSize {
		return truncated("%d section headers start at byte %d of %d", n, h.shoff, len(b))
	}
	if uint64(str) >= n {
		return faultIn("", 62, "no section %d for the section names", str)
	}
	h.shnum, h.shstrndx = int(n), int(str)
	return nil
}

// checkIdent says what a file is that is not a 64-bit ELF file.
func checkIdent(b []byte) error {
	switch {
	case len(b) == 0:
		return faultIn("", 0, "the file is empty")
	case len(b) >= 4 && string(b[:4]) == "BC\xc0\xde":
		return faultIn("", 0, "LLVM bitcode, not an ELF object: compile it with clang -target bpf -c, without -emit-llvm or -flto")
	case len(b) < len(elf.ELFMAG) || string(b[:len(elf.ELFMAG)]) != elf.ELFMAG:
		return faultIn("", 0, "not an ELF object")
	case len(b) < elf.EI_NIDENT:
		return truncated("the ELF header has %d of %d bytes", len(b), image.HeaderSize)
	case elf.Class(b[elf.EI_CLASS]) != elf.ELFCLASS64:
		return faultIn("", elf.EI_CLASS, "not a 64-bit ELF object, as BPF objects are")
	case elf.Data(b[elf.EI_DATA]) != elf.ELFDATA2LSB && elf.Data(b[elf.EI_DATA]) != elf.ELFDATA2MSB:
		return faultIn("", elf.EI_DATA, "unknown byte order %d", b[elf.EI_DATA])
	case elf.Version(b[elf.EI_VERSION]) != elf.EV_CURRENT:
		return faultIn("", elf.EI_VERSION, "unknown ELF version %d", b[elf.EI_VERSION])
	}
	return nil
}

func truncated(format string, args ...any) error {
	return faultIn("", 0, "truncated: ").and(format, args...)
}
