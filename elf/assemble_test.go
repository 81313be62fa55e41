package elf_test

import (
	stdelf "debug/elf"
	"encoding/binary"
)

// assemble writes an object with one section "xdp" that holds code, global
// functions without a size in it, and a section ".BTF" when there are types.
func assemble(code, btf []byte, functions ...namedOffset) []byte {
	le := binary.LittleEndian
	names := []byte("\x00xdp\x00.symtab\x00.strtab\x00.BTF\x00")
	symbols := make([]byte, symbolEntry)
	for _, f := range functions {
		symbols = le.AppendUint32(symbols, uint32(len(names)))
		symbols = append(symbols, stdelf.ST_INFO(stdelf.STB_GLOBAL, stdelf.STT_FUNC), 0, 1, 0)
		symbols = le.AppendUint64(symbols, uint64(f.offset))
		symbols = le.AppendUint64(symbols, 0)
		names = append(append(names, f.name...), 0)
	}
	object := make([]byte, 64)
	copy(object, "\x7fELF\x02\x01\x01")
	le.PutUint16(object[16:], uint16(stdelf.ET_REL))
	le.PutUint16(object[18:], uint16(stdelf.EM_BPF))
	le.PutUint16(object[58:], sectionHeader)
	le.PutUint16(object[60:], 5)
	le.PutUint16(object[62:], 3)
	headers := make([]byte, sectionHeader)
	add := func(name uint32, typ stdelf.SectionType, flags stdelf.SectionFlag, b []byte) {
		h := make([]byte, sectionHeader)
		le.PutUint32(h, name)
		le.PutUint32(h[4:], uint32(typ))
		le.PutUint64(h[8:], uint64(flags))
		le.PutUint64(h[24:], uint64(len(object)))
		le.PutUint64(h[32:], uint64(len(b)))
		le.PutUint32(h[40:], 3)
		headers = append(headers, h...)
		object = append(object, b...)
	}
	add(1, stdelf.SHT_PROGBITS, stdelf.SHF_EXECINSTR, code)
	add(5, stdelf.SHT_SYMTAB, 0, symbols)
	add(13, stdelf.SHT_STRTAB, 0, names)
	if btf != nil {
		add(21, stdelf.SHT_PROGBITS, 0, btf)
	} else {
		add(0, stdelf.SHT_NULL, 0, nil)
	}
	le.PutUint64(object[40:], uint64(len(object)))
	return append(object, headers...)
}

// namedOffset is a symbol: a name and bytes from the start of the section.
type namedOffset struct {
	name   string
	offset int
}
