package listing

import (
	"cmp"
	stdelf "debug/elf"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/image"
)

// resolver gives names their places and writes the object.
type resolver struct {
	*assembler
	img     *image.Image
	index   map[*section]int // in the image
	marks   map[*section]int // section symbol, among the locals
	byName  map[string]*section
	current *section
}

// finish resolves all names and returns the object.
func (a *assembler) finish() ([]byte, error) {
	r := &resolver{
		assembler: a, img: image.New(a.order),
		index: make(map[*section]int), marks: make(map[*section]int), byName: make(map[string]*section),
	}
	for i, s := range a.sections {
		r.index[s], r.byName[s.key] = i+1, s
	}
	a.sizeFunctions()
	r.place()
	for _, s := range a.sections {
		r.current = s
		for _, p := range s.patches {
			if err := r.patch(p); err != nil {
				return nil, &SyntaxError{Line: p.line, Err: err}
			}
		}
		r.img.Add(s.Section)
	}
	return r.img.Bytes(), nil
}

// sizeFunctions lets a function without a size reach to the next one.
func (a *assembler) sizeFunctions() {
	starts := make(map[*section][]uint64)
	for _, sym := range a.ordered {
		if sym.Type == stdelf.STT_FUNC {
			starts[sym.in] = append(starts[sym.in], sym.Value)
		}
	}
	for s := range starts {
		starts[s] = append(starts[s], s.here())
		slices.Sort(starts[s])
	}
	for _, sym := range a.ordered {
		if sym.Type != stdelf.STT_FUNC || sym.sized {
			continue
		}
		after := starts[sym.in]
		i, _ := slices.BinarySearchFunc(after, sym.Value, func(start, at uint64) int { return cmp.Compare(start, at+1) })
		if i < len(after) {
			sym.Size = after[i] - sym.Value
		}
	}
}

func (r *resolver) place() {
	for _, sym := range r.ordered {
		if sym.in != nil {
			sym.Section = r.index[sym.in]
		}
		if sym.Bind == stdelf.STB_LOCAL {
			sym.placed = r.img.Local(sym.Symbol)
		} else {
			sym.placed = r.img.Global(sym.Symbol)
		}
	}
}

// mark returns the symbol of a whole section.
func (r *resolver) mark(s *section) int {
	at, ok := r.marks[s]
	if !ok {
		at = r.img.Local(image.Symbol{Section: r.index[s], Type: stdelf.STT_SECTION})
		r.marks[s] = at
	}
	return at
}

func (r *resolver) patch(p patch) error {
	if p.typ == 0 && !p.raw {
		return r.jump(p)
	}
	rel, addend, err := r.operand(p)
	if err != nil {
		return err
	}
	rel.Off, rel.Type = p.off, p.typ
	r.current.Relocs = append(r.current.Relocs, rel)
	if p.raw {
		return nil
	}
	if p.typ == relocCall {
		if addend%insn.Size != 0 {
			return fmt.Errorf("%s: byte %d is within an instruction", p.name, addend)
		}
		addend = addend/insn.Size - 1
	}
	if addend < math.MinInt32 || addend > math.MaxInt32 {
		return fmt.Errorf("%s: %d does not fit in 32 bits", p.name, addend)
	}
	p.insn.Imm = int32(addend)
	r.write(p)
	return nil
}

func (r *resolver) write(p patch) {
	copy(r.current.Data[p.off:], p.insn.Append(nil, r.order))
}

// jump resolves a label.
func (r *resolver) jump(p patch) error {
	to, ok := r.labels[p.name]
	if !ok {
		return fmt.Errorf("no label %q", p.name)
	}
	if to.in != r.current {
		return fmt.Errorf("label %q is in another section", p.name)
	}
	slots := (int64(to.off)-int64(p.off))/insn.Size - 1
	if p.insn.Op == insn.LongJump {
		p.insn.Imm = int32(slots)
	} else {
		if slots < math.MinInt16 || slots > math.MaxInt16 {
			return fmt.Errorf("label %q is %d instructions away: use gotol", p.name, slots)
		}
		p.insn.Off = int16(slots)
	}
	r.write(p)
	return nil
}

// operand finds what "&name+4", "map[name]", "name", "[section]+8" or "{name}" means.
func (r *resolver) operand(p patch) (rel image.Reloc, addend int64, err error) {
	text := strings.TrimPrefix(p.name, "&")
	if inner, ok := strings.CutPrefix(text, "map["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	closing := ""
	switch {
	case strings.HasPrefix(text, "["):
		closing = "]"
	case strings.HasPrefix(text, "{"):
		closing = "}"
	}
	name, key, rest, err := splitName(text[len(closing):])
	if err != nil {
		return rel, 0, err
	}
	rest, ok := strings.CutPrefix(rest, closing)
	if !ok {
		return rel, 0, fmt.Errorf("no %s in %q", closing, p.name)
	}
	if rest != "" {
		if addend, err = strconv.ParseInt(rest, 10, 64); err != nil || rest[0] != '+' && rest[0] != '-' {
			return rel, 0, fmt.Errorf("%q is not an operand", p.name)
		}
	}
	if closing == "]" {
		s := r.byName[key]
		if s == nil {
			return rel, 0, fmt.Errorf("no section %q", name)
		}
		return image.Reloc{Symbol: r.mark(s), Local: true}, addend, nil
	}
	sym := r.symbols[key]
	if sym == nil {
		return rel, 0, fmt.Errorf("%q is neither defined nor declared .extern", name)
	}
	rel, addend = r.to(sym, addend, closing == "}")
	if addend < 0 && sym.Bind == stdelf.STB_LOCAL {
		err = errors.New("a place before its section")
	}
	return rel, addend, err
}

// to points at a symbol: a local one by its place in its section, unless it is meant itself.
func (r *resolver) to(sym *symbol, addend int64, itself bool) (image.Reloc, int64) {
	local := sym.Bind == stdelf.STB_LOCAL
	if local && sym.in != nil && !itself {
		return image.Reloc{Symbol: r.mark(sym.in), Local: true}, addend + int64(sym.Value)
	}
	return image.Reloc{Symbol: sym.placed, Local: local}, addend
}
