package listing

import (
	"bufio"
	stdelf "debug/elf"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/elf"
)

// Options choose what is in a listing. The zero value is the whole object
// without comments on every line.
type Options struct {
	Section string // only the code of this section
	Program string // only this function

	Source bool // the lines of the source
	Raw    bool // the offset and the bytes of each instruction
	Types  bool // BTF too, of a whole object
}

// Write writes a listing of the object. The error is a [*elf.FormatError], a
// [*elf.NotFoundError] for what the options choose, or that of w.
func Write(w io.Writer, o *elf.Object, opts Options) error {
	l := &writer{
		Writer: bufio.NewWriter(w), o: o, opts: opts,
		sections: o.Sections(), symbols: o.Symbols(),
	}
	l.names = newNames(l.symbols, l.sections)
	if err := l.write(); err != nil {
		return err
	}
	return l.Flush()
}

// writer writes a listing.
type writer struct {
	*bufio.Writer
	o        *elf.Object
	opts     Options
	sections []elf.Section
	symbols  []elf.Symbol
	names    *names
	labels   int // how many have been given
	size     int // bytes of the sections that were written

	lines map[uint64][]elf.Line // of the section that is written, by offset
	core  map[uint64]elf.CORE
}

func (l *writer) write() error {
	switch {
	case l.opts.Program != "":
		return l.program()
	case l.opts.Section != "":
		return l.codeSection()
	}
	l.head()
	for i := range l.sections {
		s := &l.sections[i]
		switch {
		case s.Size == 0 && len(l.starts(s)) == 0:
		case executable(s):
			if err := l.section(s, 0, s.Size); err != nil {
				return err
			}
		case l.kept(s):
			if err := l.data(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// executable reports whether a section holds instructions.
func executable(s *elf.Section) bool {
	return s.Type == stdelf.SHT_PROGBITS && s.Flags&stdelf.SHF_EXECINSTR != 0
}

// kept reports whether a section of data is in the listing of a whole object:
// what programs refer to, and what loaders read.
func (l *writer) kept(s *elf.Section) bool {
	if s.Type != stdelf.SHT_PROGBITS && s.Type != stdelf.SHT_NOBITS {
		return false
	}
	if s.Name == ".BTF" || s.Name == ".BTF.ext" {
		return l.opts.Types
	}
	return s.Flags&stdelf.SHF_ALLOC != 0 && s.Name != ".eh_frame"
}

// head writes what is about the whole object.
func (l *writer) head() {
	order := "little"
	if l.o.ByteOrder().Uint16([]byte{0, 1}) == 1 {
		order = "big"
	}
	if p := l.o.Producer(); p != "" {
		fmt.Fprintf(l, "; made by %s\n", strings.ToValidUTF8(strings.ReplaceAll(p, "\n", " "), "?"))
	}
	fmt.Fprintf(l, ".endian %s\n", order)
	for i := range l.symbols {
		s := &l.symbols[i]
		if !named(s) {
			continue
		}
		switch stdelf.SectionIndex(s.Section) {
		case stdelf.SHN_UNDEF:
			fmt.Fprintf(l, ".extern %s%s\n", l.names.text[i], attributes(s))
		case stdelf.SHN_COMMON:
			fmt.Fprintf(l, ".common %s%s size %d align %d\n", l.names.text[i], attributes(s), s.Size, s.Value)
		}
	}
}

// attributes writes the binding and visibility of a symbol.
func attributes(s *elf.Symbol) string {
	text := ""
	switch s.Binding {
	case stdelf.STB_LOCAL:
		text = " local"
	case stdelf.STB_WEAK:
		text = " weak"
	}
	if s.Hidden {
		text += " hidden"
	}
	return text
}

// program writes one function.
func (l *writer) program() error {
	p, err := l.find()
	if err != nil {
		return err
	}
	for i := range l.sections {
		s := &l.sections[i]
		if s.Name == p.Section && executable(s) {
			return l.section(s, p.Offset, min(p.Offset+p.Size, s.Size))
		}
	}
	return fmt.Errorf("no section %q", p.Section)
}

func (l *writer) find() (elf.Program, error) {
	for _, p := range l.o.Subprograms() {
		if p.Name == l.opts.Program && (l.opts.Section == "" || l.opts.Section == p.Section) {
			return p, nil
		}
	}
	return l.o.Program(elf.Selector{Section: l.opts.Section, Program: l.opts.Program})
}

func (l *writer) codeSection() error {
	for i := range l.sections {
		if s := &l.sections[i]; s.Name == l.opts.Section && executable(s) {
			return l.section(s, 0, s.Size)
		}
	}
	return &elf.NotFoundError{
		Object: l.o.Name(), Selector: elf.Selector{Section: l.opts.Section},
		Msg: fmt.Sprintf("no section %q with programs", l.opts.Section), Have: l.o.Programs(),
	}
}

// heading writes the line of a section.
func (l *writer) heading(s *elf.Section) {
	kind := "progbits"
	if s.Type == stdelf.SHT_NOBITS {
		kind = "nobits"
	}
	fmt.Fprintf(l, "\n.section %s %s %s %d\n", l.names.sections[s.Index], kind, flags(s.Flags), s.Align)
}

// sectionFlags are the flags of a section by the letters that assemblers have for them.
var sectionFlags = [...]struct {
	letter byte
	flag   stdelf.SectionFlag
}{
	{'w', stdelf.SHF_WRITE},
	{'a', stdelf.SHF_ALLOC},
	{'x', stdelf.SHF_EXECINSTR},
	{'M', stdelf.SHF_MERGE},
	{'S', stdelf.SHF_STRINGS},
	{'R', 0x200000}, // SHF_GNU_RETAIN, as __attribute__((retain)) has it
}

func flags(f stdelf.SectionFlag) string {
	var text strings.Builder
	for _, known := range sectionFlags {
		if f&known.flag != 0 {
			text.WriteString(string(known.letter))
		}
	}
	if text.String() == "" {
		return "-"
	}
	return text.String()
}

// symbolsAt writes the symbols that begin at a place. A function without a
// size of its own reaches to the next one.
func (l *writer) symbolsAt(s *elf.Section, off, next uint64) {
	for _, i := range l.names.starts[place{s.Index, off}] {
		sym := &l.symbols[i]
		switch sym.Type {
		case stdelf.STT_FUNC:
			fmt.Fprintf(l, ".function %s%s", l.names.text[i], attributes(sym))
			if sym.Size != next-off {
				fmt.Fprintf(l, " size %d", sym.Size)
			}
		case stdelf.STT_OBJECT:
			fmt.Fprintf(l, ".object %s%s size %d", l.names.text[i], attributes(sym), sym.Size)
		default:
			fmt.Fprintf(l, ".symbol %s%s", l.names.text[i], attributes(sym))
			if sym.Size != 0 {
				fmt.Fprintf(l, " size %d", sym.Size)
			}
		}
		l.WriteByte('\n')
	}
}

// read returns the bytes of a section. Those of a sound file do not overlap.
func (l *writer) read(s *elf.Section) ([]byte, error) {
	data, err := l.o.Data(*s)
	if l.size += len(data); err == nil && l.size > l.o.Size() {
		err = &elf.FormatError{Section: s.Name, Msg: "overlaps with other sections"}
	}
	return data, err
}

// starts returns the offsets of a section's symbols in order.
func (l *writer) starts(s *elf.Section) []uint64 {
	return l.offsets(s, func(*elf.Symbol) bool { return true })
}

// functions returns where the functions of a section begin, and its end.
func (l *writer) functions(s *elf.Section) []uint64 {
	offs := l.offsets(s, func(sym *elf.Symbol) bool { return sym.Type == stdelf.STT_FUNC })
	return slices.Compact(append(offs, s.Size))
}

func (l *writer) offsets(s *elf.Section, want func(*elf.Symbol) bool) (offs []uint64) {
	for _, i := range l.names.within[s.Index] {
		if sym := &l.symbols[i]; sym.Value <= s.Size && want(sym) {
			offs = append(offs, sym.Value)
		}
	}
	slices.Sort(offs)
	return slices.Compact(offs)
}
