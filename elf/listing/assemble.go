package listing

import (
	"bufio"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/image"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// SyntaxError says which line of a listing cannot be assembled.
type SyntaxError struct {
	Line int // from 1
	Err  error
}

// Error returns the line's number and what is wrong with it.
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *SyntaxError) Unwrap() error { return e.Err }

// maxLine bounds a line of a listing in bytes.
const maxLine = 1 << 20

// Assemble makes an ELF object of a listing. The error is a [*SyntaxError], that of r,
// or of a listing without a section.
func Assemble(r io.Reader) ([]byte, error) {
	a := &assembler{order: binary.LittleEndian, symbols: make(map[string]*symbol), labels: make(map[string]label)}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for lines.Scan() {
		a.number++
		if err := a.line(lines.Text()); err != nil {
			return nil, &SyntaxError{Line: a.number, Err: err}
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, &SyntaxError{Line: a.number + 1, Err: fmt.Errorf("longer than %d bytes", maxLine)}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(a.sections) == 0 {
		return nil, errors.New("no .section: there is nothing to assemble")
	}
	return a.finish()
}

// assembler holds what has been read.
type assembler struct {
	order    btfwire.ByteOrder
	number   int // of the line
	size     int // bytes of all sections
	sections []*section
	ordered  []*symbol
	symbols  map[string]*symbol // by the name that is unique in the listing
	labels   map[string]label
}

// section is one that is being filled; the last one is.
type section struct {
	image.Section
	key     string
	patches []patch
}

// symbol is one that has been read.
type symbol struct {
	image.Symbol
	in     *section // nil when it is undefined or common
	sized  bool     // its size was given
	placed int      // among the locals or globals of the image
}

type label struct {
	in  *section
	off uint64
}

// patch is an instruction or a value that waits for a name.
type patch struct {
	line int
	off  uint64
	insn insn.Instruction
	name string // of a label or operand, or of a relocation
	typ  uint32 // of the relocation, 0 for a label
	raw  bool   // the bytes stay as they are
}

// line reads one line.
func (a *assembler) line(text string) error {
	text = strings.TrimSpace(uncomment(text))
	switch {
	case text == "":
		return nil
	case strings.HasSuffix(text, ":"):
		return a.label(strings.TrimSuffix(text, ":"))
	case text[0] == '.' && !strings.HasPrefix(text, ".insn"):
		return a.directive(text)
	}
	return a.instruction(text)
}

// uncomment cuts what follows a semicolon, unless it is in quotes.
func uncomment(text string) string {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ';' && !quoted:
			return text[:i]
		}
	}
	return text
}

// current returns the section that is being filled.
func (a *assembler) current() (*section, error) {
	if len(a.sections) == 0 {
		return nil, errors.New("no .section before it")
	}
	return a.sections[len(a.sections)-1], nil
}

// here returns the end of a section.
func (s *section) here() uint64 {
	if s.Type == stdelf.SHT_NOBITS {
		return s.Size
	}
	return uint64(len(s.Data))
}

func (a *assembler) label(name string) error {
	s, err := a.current()
	if err != nil {
		return err
	}
	if _, ok := a.labels[name]; ok || name == "" {
		return fmt.Errorf("label %q twice", name)
	}
	a.labels[name] = label{s, s.here()}
	return nil
}

func (a *assembler) instruction(text string) error {
	s, err := a.current()
	if err != nil {
		return err
	}
	if s.Type == stdelf.SHT_NOBITS {
		return errors.New("an instruction in a section without bytes")
	}
	i, name, err := insn.Parse(text)
	if err != nil {
		return err
	}
	if name != "" {
		p := patch{line: a.number, off: s.here(), insn: i, name: name}
		switch i.Op {
		case insn.Call:
			p.typ = relocCall
		case insn.LoadImm64:
			p.typ = relocLoad
		}
		s.patches = append(s.patches, p)
	}
	return a.add(s, i.Append(nil, a.order))
}

// maxBytes bounds what a listing can make.
const maxBytes = 64 << 20

func (a *assembler) add(s *section, b []byte) error {
	if a.size += len(b); a.size > maxBytes {
		return fmt.Errorf("more than %d bytes", maxBytes)
	}
	if s.Type == stdelf.SHT_NOBITS {
		s.Size += uint64(len(b))
		for _, v := range b {
			if v != 0 {
				return errors.New("bytes in a section without bytes")
			}
		}
		return nil
	}
	s.Data = append(s.Data, b...)
	return nil
}
