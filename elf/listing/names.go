package listing

import (
	stdelf "debug/elf"
	"fmt"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/elf"
)

// place is a point of a section.
type place struct {
	section int
	offset  uint64
}

// names gives every symbol and section of an object a name that no other has.
type names struct {
	symbols  []elf.Symbol
	text     []string // by symbol, "" for what has no text
	sections []string // by section
	locals   map[place]int
	starts   map[place][]int // named symbols by place, in file order
	within   map[int][]int   // likewise by section
}

func newNames(symbols []elf.Symbol, sections []elf.Section) *names {
	n := &names{
		symbols: symbols, text: make([]string, len(symbols)), sections: make([]string, len(sections)),
		locals: make(map[place]int), starts: make(map[place][]int), within: make(map[int][]int),
	}
	seen := make(map[string]int)
	for i := range symbols {
		if named(&symbols[i]) {
			seen[symbols[i].Name]++
		}
	}
	for i := range symbols {
		s := &symbols[i]
		if !named(s) {
			continue
		}
		n.text[i] = unique(s.Name, i, seen[s.Name] > 1)
		at := place{s.Section, s.Value}
		if s.Section == 0 || s.Section >= int(stdelf.SHN_LORESERVE) {
			continue
		}
		n.starts[at] = append(n.starts[at], i)
		n.within[s.Section] = append(n.within[s.Section], i)
		if _, ok := n.locals[at]; !ok && s.Binding == stdelf.STB_LOCAL && s.Type != stdelf.STT_NOTYPE {
			n.locals[at] = i
		}
	}
	count := make(map[string]int)
	for _, s := range sections {
		count[s.Name]++
	}
	for i, s := range sections {
		n.sections[i] = unique(s.Name, i, count[s.Name] > 1)
	}
	return n
}

// named reports whether a symbol is one that a listing has.
func named(s *elf.Symbol) bool {
	return s.Name != "" && s.Type != stdelf.STT_FILE && s.Type != stdelf.STT_SECTION
}

// unique writes a name, in quotes if it must be, with its number if others have it too.
func unique(name string, i int, shared bool) string {
	text := quote(name)
	if shared {
		text += "@" + strconv.Itoa(i)
	}
	return text
}

func quote(name string) string {
	if name != "" && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 {
		return name
	}
	return strconv.QuoteToASCII(name)
}

func plain(r rune) bool {
	return r == '_' || r == '.' || r == '$' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// operand writes what a relocation against a symbol with an addend refers to;
// ok is false when the text would not mean just that.
func (n *names) operand(symbol int, addend int64) (text string, ok bool) {
	s := &n.symbols[symbol]
	switch {
	case s.Type == stdelf.STT_SECTION && s.Section < len(n.sections) && addend >= 0:
		if local, ok := n.locals[place{s.Section, uint64(addend)}]; ok {
			return n.text[local], true
		}
		return "[" + n.sections[s.Section] + "]" + offset(addend), true
	case s.Binding == stdelf.STB_LOCAL || n.text[symbol] == "":
		return "", false
	}
	return n.text[symbol] + offset(addend), true
}

func offset(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%+d", n)
}

// at names what is at a place, for a comment.
func (n *names) at(section int, off uint64) string {
	for _, i := range n.starts[place{section, off}] {
		return n.text[i]
	}
	return ""
}
