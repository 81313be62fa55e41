package rewrite

import (
	"cmp"
	stdelf "debug/elf"
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/naming"
)

// gather puts programs into sections whose names libbpf takes whole. An "ID/KEY"
// section goes after the programs that tail-call into its array: two sections
// of one name would be one in .BTF.ext.
func (c *converter) gather() error {
	code, names := c.sectionNames()
	homes := make(map[string]*elf.Section)
	moved := make(map[string]movedCode)
	fixed, err := c.fixed()
	if err != nil {
		return err
	}
	guests := c.patch.guests()
	for _, sec := range code {
		name := names[sec.Index]
		home := homes[name]
		switch {
		case home == nil:
			homes[name] = sec
			if name != sec.Name {
				c.patch.sections[sec.Index].Name = name
				moved[sec.Name] = movedCode{name: name}
				c.noteName(sec, name, false)
			}
		case name != sec.Name:
			err := fixed[sec.Index]
			if uint64(len(c.patch.sections[home.Index].Data))+sec.Size > maxCode {
				err = &elf.FormatError{Section: sec.Name, Msg: fmt.Sprintf("does not fit into section %q with the other programs", naming.Clip(home.Name))}
			}
			if err != nil {
				return err
			}
			moved[sec.Name] = movedCode{name, c.patch.join(sec.Index, home.Index, guests[sec.Index])}
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
		arrays[i] = c.reachedArrays(p)
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

// reachedArrays returns the legacy program arrays with programs in them that a program uses.
func (c *converter) reachedArrays(p elf.Program) []*converted {
	var used []*converted
	reached, _ := c.o.Reach(p)
	for _, f := range reached {
		own, ok := c.arrays[f]
		if !ok {
			own = c.ownArrays(f)
			c.arrays[f] = own
		}
		used = append(used, own...)
	}
	return used
}

// ownArrays returns those that a function uses itself, each once.
func (c *converter) ownArrays(f elf.Program) []*converted {
	named := make(map[string]bool)
	refs, _ := c.o.References(f)
	for _, r := range refs {
		named[r.Name] = named[r.Name] || r.Kind == elf.RefMap
	}
	var used []*converted
	for i := range c.maps {
		if m := &c.maps[i]; named[m.Name] && m.ID != 0 && len(m.Contents) > 0 && m.Inner == nil {
			used = append(used, m)
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
	if text := fmt.Sprintf(format, args...); !c.noted[text] {
		c.noted[text] = true
		c.notes = append(c.notes, text)
	}
}

// maxCode bounds a section of programs in bytes: the verifier's limit of a million instructions.
const maxCode = insn.Size * 1_000_000

// fixed says by section which cannot move, because code calls into it by offset, not by name.
func (c *converter) fixed() (map[int]error, error) {
	fixed := make(map[int]error)
	err := c.codeRelocations(func(sec *elf.Section, r elf.Relocation) error {
		sym := c.symbols[r.Symbol]
		if sym.Type == stdelf.STT_SECTION && sym.Section < len(c.sections) && fixed[sym.Section] == nil {
			fixed[sym.Section] = &elf.FormatError{
				Section: sec.Name, Offset: int64(r.Offset),
				Msg: fmt.Sprintf("refers to an offset of section %q, which cannot move", naming.Clip(c.sections[sym.Section].Name)),
			}
		}
		return nil
	})
	return fixed, err
}

// guests lists the symbols of each section.
func (p *patch) guests() map[int][]int {
	index := make(map[int][]int)
	for i := range p.symbols {
		index[p.symbols[i].Section] = append(index[p.symbols[i].Section], i)
	}
	return index
}

// join puts the code of a section and its symbols after that of another one, and returns where it
// begins. The symbol of the section itself becomes a plain label, for debug
// information to point at.
func (p *patch) join(from, to int, symbols []int) (shift uint64) {
	guest, home := &p.sections[from], &p.sections[to]
	home.Data = append(home.Data, make([]byte, -len(home.Data)&(insn.Size-1))...)
	shift = uint64(len(home.Data))
	home.Data = append(home.Data, guest.Data...)
	for _, r := range guest.relocs {
		r.Offset += shift
		home.relocs = append(home.relocs, r)
	}
	for _, i := range symbols {
		s := &p.symbols[i]
		if s.Type == stdelf.STT_SECTION {
			s.Type, s.Bind = stdelf.STT_NOTYPE, stdelf.STB_LOCAL
		}
		s.Section, s.Value = to, s.Value+shift
	}
	p.drop(from)
	return shift
}
