package listing

import (
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/elf/internal/image"
)

// directive reads a line that begins with a full stop.
func (a *assembler) directive(text string) error {
	words, err := fields(text)
	if err != nil {
		return err
	}
	args := words[1:]
	var within func(*section, []string) error
	switch words[0] {
	case ".endian":
		return a.endian(args)
	case ".section":
		return a.section(args)
	case ".extern":
		return a.declare(&symbol{}, args)
	case ".common":
		return a.declare(&symbol{Symbol: image.Symbol{Section: int(stdelf.SHN_COMMON), Type: stdelf.STT_OBJECT}}, args)
	case ".function":
		within = a.symbol(stdelf.STT_FUNC)
	case ".object":
		within = a.symbol(stdelf.STT_OBJECT)
	case ".symbol":
		within = a.symbol(stdelf.STT_NOTYPE)
	case ".byte":
		within = a.bytes
	case ".zero":
		within = a.zero
	case ".reloc":
		within = a.reloc
	default:
		return fmt.Errorf("unknown directive %s", words[0])
	}
	s, err := a.current()
	if err != nil {
		return err
	}
	return within(s, args)
}

// fields splits a line into words; a word may have a part in quotes.
func fields(text string) ([]string, error) {
	var words []string
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeft(text, " \t") {
		end, quoted := 0, false
		for ; end < len(text) && (quoted || text[end] != ' ' && text[end] != '\t'); end++ {
			if text[end] == '\\' && quoted {
				end++
			} else if text[end] == '"' {
				quoted = !quoted
			}
		}
		if quoted || end > len(text) {
			return nil, errors.New("a quote without its end")
		}
		words = append(words, text[:end])
		text = text[end:]
	}
	return words, nil
}

// splitName cuts a name from the start of a text: the name as it is in the
// object, its text in the listing, and what follows.
func splitName(text string) (name, key, rest string, err error) {
	end := 0
	if strings.HasPrefix(text, `"`) {
		prefix, err := strconv.QuotedPrefix(text)
		if err != nil {
			return "", "", "", fmt.Errorf("%s: %w", text, err)
		}
		if name, err = strconv.Unquote(prefix); err != nil {
			return "", "", "", fmt.Errorf("%s: %w", text, err)
		}
		end = len(prefix)
	} else {
		for end < len(text) && plain(rune(text[end])) {
			end++
		}
		name = text[:end]
	}
	if end < len(text) && text[end] == '@' {
		for end++; end < len(text) && text[end] >= '0' && text[end] <= '9'; end++ {
		}
	}
	if end == 0 || strings.IndexByte(name, 0) >= 0 {
		return "", "", "", fmt.Errorf("%q is not a name", text)
	}
	return name, text[:end], text[end:], nil
}

// wholeName reads a word that is just a name.
func wholeName(word string) (name, key string, err error) {
	name, key, rest, err := splitName(word)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q is not a name", word)
	}
	return name, key, err
}

func (a *assembler) endian(args []string) error {
	switch {
	case len(args) != 1 || args[0] != "little" && args[0] != "big":
		return errors.New(".endian needs little or big")
	case len(a.sections) > 0:
		return errors.New(".endian goes before the first section")
	case args[0] == "big":
		a.order = binary.BigEndian
	}
	return nil
}

func (a *assembler) section(args []string) error {
	if len(args) != 4 {
		return errors.New(".section needs a name, progbits or nobits, flags and an alignment")
	}
	name, key, err := wholeName(args[0])
	if err != nil {
		return err
	}
	for _, s := range a.sections {
		if s.key == key {
			return fmt.Errorf("section %s twice", key)
		}
	}
	s := &section{key: key, Section: image.Section{Name: name, Type: stdelf.SHT_PROGBITS}}
	switch args[1] {
	case "progbits":
	case "nobits":
		s.Type = stdelf.SHT_NOBITS
	default:
		return fmt.Errorf("%q is neither progbits nor nobits", args[1])
	}
	if s.Flags, err = parseFlags(args[2]); err != nil {
		return err
	}
	if s.Align, err = strconv.ParseUint(args[3], 0, 32); err != nil {
		return fmt.Errorf("alignment: %w", err)
	}
	if a.sections = append(a.sections, s); len(a.sections) > int(stdelf.SHN_LORESERVE)/4 {
		return fmt.Errorf("more than %d sections", len(a.sections)-1)
	}
	return nil
}

func parseFlags(text string) (f stdelf.SectionFlag, err error) {
	if text == "-" {
		return 0, nil
	}
next:
	for _, letter := range []byte(text) {
		for _, known := range sectionFlags {
			if known.letter == letter {
				f |= known.flag
				continue next
			}
		}
		return 0, fmt.Errorf("unknown flag %q", letter)
	}
	return f, nil
}

// symbol reads a symbol that begins here.
func (a *assembler) symbol(typ stdelf.SymType) func(*section, []string) error {
	return func(s *section, args []string) error {
		return a.declare(&symbol{in: s, Symbol: image.Symbol{Type: typ, Value: s.here()}}, args)
	}
}

// declare reads a name and what is said about it.
func (a *assembler) declare(sym *symbol, args []string) error {
	if len(args) == 0 {
		return errors.New("no name")
	}
	name, key, err := wholeName(args[0])
	if err != nil {
		return err
	}
	if a.symbols[key] != nil {
		return fmt.Errorf("symbol %s twice", key)
	}
	sym.Name, sym.Bind = name, stdelf.STB_GLOBAL
	for args = args[1:]; len(args) > 0; args = args[1:] {
		switch args[0] {
		case "local":
			sym.Bind = stdelf.STB_LOCAL
		case "weak":
			sym.Bind = stdelf.STB_WEAK
		case "hidden":
			sym.Hidden = true
		case "size", "align":
			if len(args) < 2 {
				return fmt.Errorf("%s needs a number", args[0])
			}
			n, err := strconv.ParseUint(args[1], 0, 64)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if args[0] == "size" {
				sym.Size, sym.sized = n, true
			} else {
				sym.Value = n
			}
			args = args[1:]
		default:
			return fmt.Errorf("unknown word %q", args[0])
		}
	}
	a.symbols[key] = sym
	a.ordered = append(a.ordered, sym)
	return nil
}

func (a *assembler) bytes(s *section, args []string) error {
	b := make([]byte, len(args))
	for i, word := range args {
		n, err := strconv.ParseUint(word, 16, 8)
		if err != nil {
			return fmt.Errorf("%q is not a byte in two hexadecimal digits", word)
		}
		b[i] = byte(n)
	}
	return a.add(s, b)
}

func (a *assembler) zero(s *section, args []string) error {
	if len(args) != 1 {
		return errors.New(".zero needs a number of bytes")
	}
	n, err := strconv.ParseUint(args[0], 0, 64)
	if err != nil || n > maxBytes {
		return fmt.Errorf("%s is not a number of bytes up to %d", args[0], maxBytes)
	}
	return a.add(s, make([]byte, n))
}

// reloc reads the relocation of what follows.
func (a *assembler) reloc(s *section, args []string) error {
	if len(args) != 2 {
		return errors.New(".reloc needs a type and a name")
	}
	typ, err := strconv.ParseUint(args[0], 0, 32)
	if err != nil {
		return fmt.Errorf("type of a relocation: %w", err)
	}
	s.patches = append(s.patches, patch{line: a.number, off: s.here(), name: args[1], typ: uint32(typ), raw: true})
	return nil
}
