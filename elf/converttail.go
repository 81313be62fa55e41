package elf

import (
	"bytes"
	"strings"
)

// renameTails gives "ID/KEY" sections names that do not ask a loader to fill a
// slot: what the section of the calling program is called, and the old name.
func (c *converter) renameTails() error {
	renamed := make(map[string]string)
	owners := c.owners()
	for _, t := range c.o.tails() {
		sec := t.fn.section
		base := owners[t.id]
		if base == "" {
			base = "prog"
		}
		name := base + "/tail_" + strings.ReplaceAll(sec.Name, "/", "_")
		renamed[sec.Name] = name
		c.patch.names[sec.Index] = name
	}
	if len(renamed) == 0 {
		return nil
	}
	return c.renameExt(renamed)
}

// owners returns the section of the programs that tail-call into a map, by the map's id.
func (c *converter) owners() map[uint32]string {
	owners := make(map[uint32]string)
	ids := make(map[string]uint32)
	for i := range c.maps {
		ids[c.maps[i].Name] = c.maps[i].ID
	}
	for known := -1; known < len(owners); {
		known = len(owners)
		for i := range c.o.funcs {
			base := c.base(&c.o.funcs[i], owners)
			if base == "" {
				continue
			}
			refs, _ := c.o.references(&c.o.funcs[i])
			for _, r := range refs {
				if id := ids[r.Name]; r.Kind == RefMap && id != 0 && owners[id] == "" {
					owners[id] = base
				}
			}
		}
	}
	return owners
}

// base is the part of a section's name that says its type; that of a tail
// program is its caller's.
func (c *converter) base(fn *function, owners map[uint32]string) string {
	if id, _, ok := parseTail(fn.section.Name); ok {
		return owners[id]
	}
	if kindOf(fn.section.Name) == (sectionKind{}) {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(fn.section.Name, "?"), "/")
	return name
}

// renameExt gives the lines and functions of .BTF.ext the new names of their sections.
func (c *converter) renameExt(renamed map[string]string) error {
	sec := c.o.section(btfExtSection)
	if sec == nil {
		return nil
	}
	old, err := sectionData(c.o.image, sec)
	if err != nil {
		return err
	}
	b := bytes.Clone(old)
	for table, known := range extSizes {
		err := c.o.extTable(table, func(r *extReader) error {
			return r.sections(known, func(name string, records []byte, _ int) {
				to, ok := renamed[name]
				if !ok || len(records) == 0 {
					return
				}
				at := c.inside(old, records) - 8 // the offset of the name, and the number of records
				c.o.order.PutUint32(b[at:], c.btf.text(to))
			})
		})
		if err != nil {
			return err
		}
	}
	c.patch.setData(sec.Index, btfExtSection, b)
	return nil
}

// inside returns where in a section a part of it begins: both end with the
// same array, because no copy was made.
func (c *converter) inside(section, part []byte) int { return cap(section) - cap(part) }
