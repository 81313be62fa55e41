package listing

import (
	stdelf "debug/elf"
	"fmt"

	"github.com/xdpload/xdpload/elf"
)

// data writes a section of data: its symbols, bytes and addresses.
func (l *writer) data(s *elf.Section) error {
	l.heading(s)
	starts := append(l.starts(s), s.Size)
	if s.Type == stdelf.SHT_NOBITS {
		for at, i := uint64(0), 0; at < s.Size; i++ {
			at = l.gap(s, at, starts[i])
		}
		l.symbolsAt(s, s.Size, s.Size)
		return nil
	}
	data, err := l.o.Data(*s)
	if err != nil {
		return err
	}
	relocs, err := l.dataRelocs(s)
	if err != nil {
		return err
	}
	for at := uint64(0); ; {
		for len(starts) > 1 && starts[0] < at {
			starts = starts[1:]
		}
		if len(starts) > 0 && starts[0] == at {
			l.symbolsAt(s, at, at)
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

// gap writes the symbols at a place of a section without bytes, and the bytes to the next one.
func (l *writer) gap(s *elf.Section, at, next uint64) uint64 {
	if next > at {
		fmt.Fprintf(l, "\t.zero %d\n", next-at)
	}
	if next < s.Size {
		l.symbolsAt(s, next, next)
	}
	return next
}

// bytes writes up to 16 bytes, or all zeros that follow, and returns where it got to.
func (l *writer) bytes(data []byte, at, end uint64) uint64 {
	zeros := at
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
