package elf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// imageName is what a section of variables is called in the image, whose reader knows
// ".bss" but no ".bss.NAME", and gives .kconfig values of its own. It is as long as the name.
func imageName(section string) string {
	if section == kconfigSection {
		return ".rodatak"
	}
	if name, ok := strings.CutPrefix(section, ".bss."); ok {
		return ".data" + name
	}
	return section
}

// setting returns the section of the kernel's settings, and where in it one is. It has all
// that the object declares, as its type has.
func (l *link) setting(name string) (*linkedData, uint32, error) {
	d, err := l.dataAt(kconfigSection, nil)
	if err == nil && d.vars == nil {
		err = l.o.placeSettings(d)
	}
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(d.vars, func(v Variable) bool { return v.Name == name })
	return d, uint32(d.vars[i].Offset), nil
}

// placeSettings gives the settings that an object declares their places, unless a linker has.
func (o *Object) placeSettings(d *linkedData) error {
	types, err := o.types()
	if err != nil {
		return err
	}
	return catch(func() error {
		ds, err := types.section(kconfigSection)
		if err != nil {
			return err
		}
		for _, info := range ds.Vars {
			v := Variable{Name: info.Type.TypeName(), Offset: uint64(info.Offset), Size: uint64(info.Size)}
			if ds.Size == 0 {
				v.Offset = (d.size + 7) &^ 7
			}
			if d.size = max(d.size, v.Offset+v.Size); d.size > maxVariables {
				return fmt.Errorf("section %s has more than %d bytes", d.name, maxVariables)
			}
			d.vars = append(d.vars, v)
		}
		d.size = max(d.size, uint64(ds.Size))
		return nil
	})
}

// checkNames refuses two sections that would be one in the image.
func (l *link) checkNames() error {
	for _, d := range l.data {
		if other := imageName(d.name); other != d.name && l.byData[other] != nil {
			return faultIn(d.name, 0, "the program uses section %q too, and no loader tells the two apart", other)
		}
	}
	return nil
}

// hideNames gives the types of an image the names of its sections.
func (l *link) hideNames(types []byte) {
	for _, d := range l.data {
		if name := imageName(d.name); name != d.name {
			copy(findString(types, d.name), name)
		}
	}
}

// findString returns where a name is among the strings of BTF, nil if it is not there.
func findString(types []byte, name string) []byte {
	i := bytes.Index(types, []byte("\x00"+name+"\x00"))
	if i < 0 {
		return nil
	}
	return types[i+1:][:len(name)]
}

// restoreNames gives the sections of variables their names back.
func (l *link) restoreNames(spec *ebpf.CollectionSpec) {
	for _, d := range l.data {
		old := imageName(d.name)
		m := spec.Maps[old]
		if old == d.name || m == nil {
			continue
		}
		delete(spec.Maps, old)
		spec.Maps[d.name] = m
		m.Name = d.name
		if ds, ok := m.Value.(*btf.Datasec); ok {
			ds.Name = d.name
			for _, info := range ds.Vars {
				info.Type.(*btf.Var).Linkage = btf.GlobalVar // not extern, of which the kernel takes none
			}
		}
		for _, v := range spec.Variables {
			if v.SectionName == old {
				v.SectionName = d.name
			}
		}
		for _, p := range spec.Programs {
			for i := range p.Instructions {
				if ins := &p.Instructions[i]; ins.IsLoadFromMap() && ins.Reference() == old {
					*ins = ins.WithReference(d.name)
				}
			}
		}
	}
}
