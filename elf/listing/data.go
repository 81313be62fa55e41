package listing

import (
	stdelf "debug/elf"
	"fmt"

	"github.com/xdpload/xdpload/elf"
)

// data writes a section of data: its symbols, bytes and addresses.
func (l *writer) data(s *elf.Section) (err error) {
	l.heading(s)
	var data []byte
	var relocs []elf.Relocation
	if s.Type != stdelf.SHT_NOBITS {
		if data, err = l.read(s); err != nil {
			return err
		}
		if relocs, err = l.dataRelocs(s); err != nil {
			return err
		}
	}
	starts := l.starts(s)
	for at := uint64(0); ; {
		for len(starts) > 0 && starts[0] <= at {
			l.symbolsAt(s, starts[0], starts[0])
			starts = starts[1:]
		}
		if at >= s.Size {
			return nil
		}
		end := s.Size
		if len(starts) > 0 {
			end = min(end, starts[0])
		}
		for len(relocs) > 0 && relocs[0].Offset < at {
			relocs = relocs[1:]
		}
		if len(relocs) > 0 && relocs[0].Offset == at {
			l.relocation(relocs[0])
			relocs = relocs[1:]
		}
		if len(relocs) > 0 {
			end = min(end, max(relocs[0].Offset, at+1))
		}
		at = l.bytes(data, at, end)
	}
}

// dataRelocs returns the relocations of a section of data that loaders heed.
func (l *writer) dataRelocs(s *elf.Section) ([]elf.Relocation, error) {
	if s.Flags&stdelf.SHF_ALLOC == 0 {
		return nil, nil
	}
	return l.o.Relocations(*s)
}

// bytes writes up to 16 bytes, or all zeros that follow, and returns where it got to.
// A section without bytes has zeros.
func (l *writer) bytes(data []byte, at, end uint64) uint64 {
	zeros := at
	if data == nil {
		zeros = end
	}
	for zeros < end && data[zeros] == 0 {
		zeros++
	}
	if n := zeros - at; n > 16 || n > 0 && zeros == end {
		fmt.Fprintf(l, "\t.zero %d\n", n)
		return zeros
	}
	end = min(end, at+16)
	fmt.Fprintf(l, "\t.byte % x\n", data[at:end])
	return end
}
