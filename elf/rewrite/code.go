package rewrite

import (
	"cmp"
	stdelf "debug/elf"
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/image"
	"github.com/xdpload/xdpload/elf/internal/naming"
)

// gather puts programs into sections whose names libbpf takes whole. An "ID/KEY"
// section goes after the programs that tail-call into its array: two sections
// of one name would be one in .BTF.ext.
func (c *converter) gather() error {
	code, names := c.sectionNames()
	homes := make(map[string]*elf.Section)
	moved := make(map[string]movedCode)
	for _, sec := range code {
		name := names[sec.Index]
		home := homes[name]
		switch {
		case home == nil:
			homes[name] = sec
			if name != sec.Name {
				c.patch.names[sec.Index] = name
				moved[sec.Name] = movedCode{name: name}
				c.noteName(sec, name, false)
			}
		case name != sec.Name:
			if err := c.movable(sec, home); err != nil {
				return err
			}
			moved[sec.Name] = movedCode{name, c.patch.join(sec, home)}
			c.noteName(sec, name, true)
		}
	}
	return c.moveExt(moved)
}

// sectionNames returns the sections of programs, those that a new name makes
// guests of another at the end, and what they are to be called.
func (c *converter) sectionNames() ([]*elf.Section, map[int]string) {
	owners := c.owners()
	var code []*elf.Section
	names := make(map[int]string)
	for i := range c.sections {
		sec := &c.sections[i]
		if !sec.Executable() || sec.Name == ".text" {
			continue
		}
		code = append(code, sec)
		names[sec.Index] = naming.Libbpf(sec.Name)
		if id, _, ok := naming.Tail(sec.Name); ok {
			names[sec.Index] = owners[id]
		}
	}
	rank := func(s *elf.Section) (n int) {
		if names[s.Index] != s.Name {
			n += 2
		}
		if isTail(s.Name) {
			n++
		}
		return n
	}
	slices.SortStableFunc(code, func(a, b *elf.Section) int { return cmp.Compare(rank(a), rank(b)) })
	return code, names
}

func isTail(section string) bool {
	_, _, ok := naming.Tail(section)
	return ok
}

// owners returns the section of the programs that tail-call into a map, by the
// map's id; for an array that none calls into, that of the first program.
func (c *converter) owners() map[uint32]string {
	owners := make(map[uint32]string)
	progs := c.o.Programs()
	arrays := make([][]*converted, len(progs))
	for i, p := range progs {
		arrays[i] = c.arrays(p)
	}
	for known := -1; known < len(owners); {
		known = len(owners)
		for i, p := range progs {
			name := naming.Libbpf(p.Section)
			if id, _, ok := naming.Tail(p.Section); ok {
				name = owners[id]
			}
			for _, m := range arrays[i] {
				if name != "" && owners[m.ID] == "" {
					owners[m.ID] = name
					c.note("map %s: ip and tc load no program but the one that they attach, and so none for its slots", naming.Clip(m.Name))
				}
			}
		}
	}
	for _, p := range progs {
		if id, _, ok := naming.Tail(p.Section); ok && owners[id] == "" {
			owners[id] = c.firstSection()
		}
	}
	return owners
}

// arrays returns the legacy program arrays with programs in them that a program uses.
func (c *converter) arrays(p elf.Program) []*converted {
	var used []*converted
	reached, _ := c.o.Reach(p)
	for _, f := range reached {
		refs, _ := c.o.References(f)
		for _, r := range refs {
			i := slices.IndexFunc(c.maps, func(m converted) bool { return r.Kind == elf.RefMap && m.Name == r.Name && m.ID != 0 })
			if i >= 0 && len(c.maps[i].Contents) > 0 && c.maps[i].Inner == nil {
				used = append(used, &c.maps[i])
			}
		}
	}
	return used
}

func (c *converter) firstSection() string {
	for _, p := range c.o.Programs() {
		if !isTail(p.Section) {
			return naming.Libbpf(p.Section)
		}
	}
	return "prog"
}

func (c *converter) noteName(sec *elf.Section, name string, joined bool) {
	switch {
	case isTail(sec.Name):
	case joined:
		c.note("section %q is now part of %q, which libbpf knows: its programs are chosen by name, and ip and tc attach the first of the section", naming.Clip(sec.Name), name)
	default:
		c.note("section %q is now %q, which libbpf knows", naming.Clip(sec.Name), name)
	}
}

func (c *converter) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.notes, text) {
		c.notes = append(c.notes, text)
	}
}

// maxCode bounds a section of programs in bytes: the verifier's limit of a million instructions.
const maxCode = insn.Size * 1_000_000

// movable refuses a section that code calls into by offset, not by name, and
// one that does not fit after another.
func (c *converter) movable(to, home *elf.Section) error {
	for _, sec := range []*elf.Section{to, home} {
		if _, err := c.o.Data(*sec); err != nil {
			return err
		}
	}
	if uint64(len(c.patch.data[home.Index]))+to.Size > maxCode {
		return &elf.FormatError{Section: to.Name, Msg: fmt.Sprintf("does not fit into section %q with the other programs", naming.Clip(home.Name))}
	}
	return c.codeRelocations(func(sec *elf.Section, r elf.Relocation) error {
		if sym := c.symbols[r.Symbol]; sym.Type == stdelf.STT_SECTION && sym.Section == to.Index {
			return &elf.FormatError{Section: sec.Name, Offset: int64(r.Offset), Msg: fmt.Sprintf("refers to an offset of section %q, which cannot move", naming.Clip(to.Name))}
		}
		return nil
	})
}

// join puts the code of a section after that of another one, and returns where it begins.
func (p *patch) join(from, to *elf.Section) (shift uint64) {
	code, ok := p.data[to.Index]
	if !ok {
		code = slices.Clone(p.image[to.Offset:][:to.Size])
	}
	code = append(code, make([]byte, -len(code)&(insn.Size-1))...)
	shift = uint64(len(code))
	p.data[to.Index] = append(code, p.image[from.Offset:][:from.Size]...)
	for i := range p.entries {
		p.shiftSymbol(p.entries[i][:], from.Index, to.Index, shift)
	}
	p.joinRelocs(from.Index, to.Index, shift)
	p.drop(from.Index)
	return shift
}

// shiftSymbol moves a symbol with its section. That of the section itself
// becomes a plain label, for debug information to point at.
func (p *patch) shiftSymbol(s []byte, from, to int, shift uint64) {
	if int(p.order.Uint16(s[6:])) != from {
		return
	}
	if stdelf.ST_TYPE(s[4]) == stdelf.STT_SECTION {
		s[4] = stdelf.ST_INFO(stdelf.STB_LOCAL, stdelf.STT_NOTYPE)
	}
	p.order.PutUint16(s[6:], uint16(to))
	p.order.PutUint64(s[8:], p.order.Uint64(s[8:])+shift)
}

func (p *patch) joinRelocs(from, to int, shift uint64) {
	home := slices.IndexFunc(p.headers, func(s elf.Section) bool { return relocatable(&s) && s.Info == to })
	for i := range p.headers {
		if !relocatable(&p.headers[i]) || p.headers[i].Info != from {
			continue
		}
		b := p.relocs[i]
		for at := 0; at+image.RelSize <= len(b); at += image.RelSize {
			p.order.PutUint64(b[at:], p.order.Uint64(b[at:])+shift)
		}
		if home < 0 {
			home = i
			p.headers[i].Info = to
			continue
		}
		p.relocs[home] = append(p.relocs[home], b...)
		p.dropRelocs(i)
	}
}

// dropRelocs leaves a section of relocations out.
func (p *patch) dropRelocs(index int) {
	delete(p.relocs, index)
	p.drop(index)
}
