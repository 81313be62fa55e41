package elf

import (
	"debug/elf"
	"fmt"
	"strings"

	"github.com/xdpload/xdpload/elf/internal/image"
)

// Section is one section of an object, as its header describes it.
type Section struct {
	Index     int             // place in the section header table
	Name      string          // such as "xdp" or ".maps"
	Type      elf.SectionType // such as SHT_PROGBITS
	Flags     elf.SectionFlag // such as SHF_EXECINSTR
	Offset    uint64          // bytes from the start of the file
	Size      uint64          // bytes; a section of type SHT_NOBITS takes none in the file
	Link      int             // section index, meaning depends on Type
	Info      int             // meaning depends on Type
	Align     uint64          // bytes
	EntrySize uint64          // bytes of one entry of a table, 0 for none
}

// Section types of LLVM, include/llvm/BinaryFormat/ELF.h.
const (
	shtLLVMAddrsig   elf.SectionType = 0x6fff4c03
	shtLLVMCallGraph elf.SectionType = 0x6fff4c09
)

// TypeName returns the name of the section's type, such as "SHT_PROGBITS", and
// the number of one that has none in the ELF specification, GNU or LLVM.
func (s Section) TypeName() string {
	switch s.Type {
	case shtLLVMAddrsig:
		return "SHT_LLVM_ADDRSIG"
	case shtLLVMCallGraph:
		return "SHT_LLVM_CALL_GRAPH_PROFILE"
	}
	if name := s.Type.String(); !strings.Contains(name, "+") { // of a range
		return name
	}
	return fmt.Sprintf("%#x", uint32(s.Type))
}

// Executable reports whether the section holds BPF instructions.
func (s Section) Executable() bool {
	return s.Type == elf.SHT_PROGBITS && s.Flags&elf.SHF_EXECINSTR != 0 && s.Size > 0
}

// LegacyMaps reports whether the section is an array of struct bpf_elf_map or bpf_map_def.
func (s Section) LegacyMaps() bool {
	return s.Type == elf.SHT_PROGBITS && !s.Executable() && strings.HasPrefix(s.Name, "maps")
}

// BTFMaps reports whether the section holds maps that BTF describes.
func (s Section) BTFMaps() bool {
	return s.Type == elf.SHT_PROGBITS && s.Name == ".maps"
}

// data reports whether the section holds global variables or constants, which become an array map.
func (s *Section) data() bool {
	if s.Type != elf.SHT_PROGBITS && s.Type != elf.SHT_NOBITS {
		return false
	}
	return s.Name == ".bss" || strings.HasPrefix(s.Name, ".bss.") || strings.HasPrefix(s.Name, ".data") || strings.HasPrefix(s.Name, ".rodata")
}

// parseSections reads the section header table. Names are slices of one string.
func parseSections(b []byte, h header) ([]Section, error) {
	sections := make([]Section, h.shnum)
	names := make([]uint32, h.shnum)
	for i := range sections {
		e := b[h.shoff+uint64(i)*image.SectionSize:][:image.SectionSize]
		names[i] = h.order.Uint32(e)
		sections[i] = Section{
			Index:     i,
			Type:      elf.SectionType(h.order.Uint32(e[4:])),
			Flags:     elf.SectionFlag(h.order.Uint64(e[8:])),
			Offset:    h.order.Uint64(e[24:]),
			Size:      h.order.Uint64(e[32:]),
			Link:      int(h.order.Uint32(e[40:])),
			Info:      int(h.order.Uint32(e[44:])),
			Align:     h.order.Uint64(e[48:]),
			EntrySize: h.order.Uint64(e[56:]),
		}
	}
	data, err := sectionData(b, &sections[h.shstrndx])
	if err != nil {
		return nil, err
	}
	table := string(data)
	for i := range sections {
		name, ok := tableString(table, names[i])
		if !ok {
			return nil, faultIn("", 0, "section %d has no name at offset %d of the section names", i, names[i])
		}
		sections[i].Name = name
	}
	return sections, nil
}

// maxName bounds a name in a string table. The kernel's longest symbol name is
// 512 bytes (KSYM_NAME_LEN, include/linux/kallsyms.h).
const maxName = 4096

// tableString returns the string at off of an ELF string table without copying it.
func tableString(table string, off uint32) (string, bool) {
	if off == 0 && table == "" {
		return "", true
	}
	if uint64(off) >= uint64(len(table)) {
		return "", false
	}
	s := table[off:]
	if len(s) > maxName {
		s = s[:maxName]
	}
	end := strings.IndexByte(s, 0)
	if end < 0 {
		return "", false
	}
	return s[:end], true
}

// sectionData returns the bytes of a section, not a copy.
func sectionData(b []byte, s *Section) ([]byte, error) {
	switch {
	case s.Type == elf.SHT_NOBITS:
		return nil, faultIn(s.Name, 0, "has no bytes in the file")
	case s.Flags&elf.SHF_COMPRESSED != 0:
		return nil, faultIn(s.Name, 0, "is compressed, which no BPF loader reads")
	case s.Offset > uint64(len(b)) || s.Size > uint64(len(b))-s.Offset:
		return nil, faultIn(s.Name, 0, "truncated: bytes %d to %d of a file of %d", s.Offset, s.Offset+s.Size, len(b))
	}
	return b[s.Offset:][:s.Size:s.Size], nil
}
