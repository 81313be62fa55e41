package check

import (
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	object "github.com/xdpload/xdpload/elf"
)

// Loader is a program or library that loads BPF objects.
type Loader string

// The loaders that are known.
const (
	Libbpf        Loader = "libbpf"          // libbpf 1.0 and later: bpftool, xdp-loader
	IPRoute2      Loader = "iproute2"        // ip and tc with libbpf 1.0 or later, as distributions build them
	IPRoute2Plain Loader = "iproute2-legacy" // ip and tc without libbpf
	Cilium        Loader = "cilium"          // github.com/cilium/ebpf
)

// Loaders are all that are known.
func Loaders() []Loader { return []Loader{Libbpf, IPRoute2, IPRoute2Plain, Cilium} }

// UnmarshalText reads the name of a loader.
func (l *Loader) UnmarshalText(text []byte) error {
	for _, known := range Loaders() {
		if string(text) == string(known) {
			*l = known
			return nil
		}
	}
	return fmt.Errorf("%q is none of libbpf, iproute2, iproute2-legacy and cilium", text)
}

// Refuse says why a loader cannot load an object, or loads less of it than there is.
type Refuse struct {
	Loader Loader
	Why    string
	Place
}

func (c *checker) refuse(p Place, why string, loaders ...Loader) {
	for _, l := range loaders {
		if !c.once(Place{Program: p.Program, Map: p.Map}, string(l)+why) {
			c.report.Refused = append(c.report.Refused, Refuse{l, why, p})
		}
	}
}

// loaders looks for what only some loaders take. The rules of libbpf are those
// of version 1.1 (tools/lib/bpf/libbpf.c), of iproute2 those of version 6.1
// (lib/bpf_libbpf.c) and of its own loader (lib/bpf_legacy.c), of cilium/ebpf
// those of version 0.22.
func (c *checker) loaders() {
	for i := range c.maps {
		c.mapLoaders(&c.maps[i])
	}
	for _, p := range c.o.Programs() {
		c.programLoaders(p)
		c.slots(p)
	}
	for _, s := range c.o.Symbols() {
		if s.Section == int(elf.SHN_COMMON) {
			c.refuse(Place{}, fmt.Sprintf("the variable %s is a COMMON symbol: compile with -fno-common", s.Name), Libbpf, IPRoute2, IPRoute2Plain, Cilium)
		}
	}
	for _, v := range c.variables(".ksyms") {
		if (object.Extern{Type: v.Type}).Typed() {
			c.refuse(Place{Section: ".ksyms"}, fmt.Sprintf("variable %s of the kernel has a type", v.Name), Cilium)
		}
	}
	c.plainLoader()
}

func (c *checker) mapLoaders(m *object.Map) {
	at := Place{Map: m.Name, Section: m.Section}
	if m.Style == object.StyleLegacy {
		c.refuse(Place{Section: m.Section}, "maps are defined in a \"maps\" section", Libbpf, IPRoute2)
		if m.ID != 0 || m.Pinning != object.PinNone || m.InnerID != 0 || m.InnerIndex != 0 {
			c.refuse(at, "struct bpf_elf_map says an id, a pinning or an inner map", Cilium)
		}
		if m.Static {
			c.refuse(at, "a map is static", Cilium)
		}
	}
	if m.Style == object.StyleBTF {
		c.refuse(Place{Section: m.Section}, "maps are defined in a \".maps\" section", IPRoute2Plain)
		if m.Static {
			c.refuse(at, "a map is static", Libbpf, IPRoute2)
		}
		c.members(m, at)
		if m.Pinning != object.PinNone && m.Pinning != object.PinByName {
			c.refuse(at, fmt.Sprintf("pinning %s of a BTF map", m.Pinning), Libbpf, IPRoute2, Cilium)
		}
	}
}

// members looks at how a map's definition says what it says.
func (c *checker) members(m *object.Map, at Place) {
	def := c.definition(m.Name)
	for i := 0; def != nil && i < len(def.Members); i++ {
		member := &def.Members[i]
		if _, ok := member.Type.(*btf.Enum); ok { // __ulong of later libbpf
			c.refuse(at, fmt.Sprintf("%s of a map is an enumeration: libbpf 1.1 reads __uint only", member.Name), Libbpf, IPRoute2)
		}
		if member.Name == "numa_node" {
			c.refuse(at, "numa_node of a map", Cilium)
		}
	}
}

// definition returns the structure that describes a map of section ".maps", nil for none.
func (c *checker) definition(name string) *btf.Struct {
	for _, v := range c.variables(".maps") {
		if v.Name == name {
			def, _ := btf.UnderlyingType(v.Type).(*btf.Struct)
			return def
		}
	}
	return nil
}

// slots looks for programs in program arrays other than the one that ip or tc
// attaches: iproute2 6.1 loads no other, and libbpf cannot fill the slot.
func (c *checker) slots(p object.Program) {
	for i := range c.maps {
		m := &c.maps[i]
		if m.Type != ebpf.ProgramArray || m.Style != object.StyleBTF {
			continue
		}
		for _, s := range m.Contents {
			if s.Name != p.Name {
				c.refuse(place(p), fmt.Sprintf("slot %d of map %s is for program %s, which is not loaded with it", s.Key, m.Name, s.Name), IPRoute2)
				return
			}
		}
	}
}

func (c *checker) programLoaders(p object.Program) {
	at := place(p)
	switch {
	case p.Section == ".text":
	case p.Type == ebpf.UnspecifiedProgram:
		c.refuse(at, fmt.Sprintf("section %q gives no program type", p.Section), Libbpf)
		c.refuse(at, fmt.Sprintf("section %q gives no program type, and the program is left out", p.Section), Cilium)
	case !libbpfKnows(strings.TrimPrefix(p.Section, "?")):
		c.refuse(at, fmt.Sprintf("libbpf 1.1 knows no section %q", p.Section), Libbpf)
	}
	if p.Static {
		c.refuse(at, "a program is static", Libbpf, IPRoute2)
	}
	if c.catches(p) {
		c.refuse(at, "a tag names its exception callback, which is not loaded with it", Libbpf, IPRoute2, Cilium)
	}
	const frags = 1 << 5 // BPF_F_XDP_HAS_FRAGS
	if p.Flags&frags != 0 {
		c.refuse(at, "XDP with frags is loaded without frags", IPRoute2Plain)
	}
}

// catches reports whether a tag names what runs after a program has thrown an exception.
func (c *checker) catches(p object.Program) bool {
	types, err := c.o.Types()
	var fn *btf.Func
	if err != nil || types.TypeByName(p.Name, &fn) != nil {
		return false
	}
	return slices.ContainsFunc(fn.Tags, func(tag string) bool { return strings.HasPrefix(tag, object.Catches) })
}

// plainLoader adds what iproute2's own loader leaves as it is for the verifier to refuse.
func (c *checker) plainLoader() {
	for _, use := range []struct {
		what string
		at   *Place
	}{
		{"global variables", c.uses.variables},
		{"addresses of functions", c.uses.callbacks},
		{"kernel functions", c.uses.kernel},
		{"CO-RE relocations", c.uses.core},
	} {
		if use.at != nil {
			c.refuse(*use.at, use.what+" are not resolved", IPRoute2Plain)
		}
	}
	for _, s := range c.o.Sections() {
		if strings.HasPrefix(s.Name, ".bss.") && s.Size > 0 {
			c.refuse(Place{Section: s.Name}, fmt.Sprintf("variables in a section %q", s.Name), Libbpf, Cilium)
		}
		if strings.HasPrefix(s.Name, ".maps") && s.Size > 0 && !c.o.HasBTF() {
			c.refuse(Place{Section: s.Name}, "maps of section \".maps\" without BTF", Libbpf, IPRoute2, IPRoute2Plain, Cilium)
		}
	}
}
