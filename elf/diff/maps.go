package diff

import (
	"fmt"
	"slices"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// maps compares the maps that programs can share, not those of variables. One that
// only one object has is no difference if the other has maps that cannot be read.
func (r *comparer) maps(a, b *elf.Object) {
	before, errA := defined(a)
	after, errB := defined(b)
	allBefore, allAfter := r.fault(errA), r.fault(errB)
	for _, m := range before {
		i := slices.IndexFunc(after, func(n elf.Map) bool { return n.Name == m.Name })
		if i < 0 {
			if !allAfter {
				continue
			}
			gone := Map{Entry: Entry{Name: m.Name, State: Removed}}
			if m.Pinning != elf.PinNone {
				gone.Reload = "the pinned map stays, and nothing uses it"
			}
			r.Maps = append(r.Maps, gone)
			continue
		}
		if d := compareMaps(m, after[i]); len(d.Changes) > 0 {
			r.Maps = append(r.Maps, d)
		}
	}
	for _, n := range after {
		if !allBefore || slices.ContainsFunc(before, func(m elf.Map) bool { return m.Name == n.Name }) {
			continue
		}
		fresh := Map{Entry: Entry{Name: n.Name, State: Added}}
		if n.Pinning != elf.PinNone {
			fresh.Reload = "a new map is pinned"
		}
		r.Maps = append(r.Maps, fresh)
	}
}

func defined(o *elf.Object) ([]elf.Map, error) {
	all, err := o.Maps()
	return slices.DeleteFunc(all, func(m elf.Map) bool { return m.Style == elf.StyleData }), err
}

func compareMaps(m, n elf.Map) Map {
	d := Map{Entry: Entry{Name: m.Name, State: Changed}}
	number := func(what string, before, after uint32) {
		d.Changes = change(d.Changes, what, fmt.Sprint(before), fmt.Sprint(after))
	}
	d.Changes = change(d.Changes, "type", kernelname.Map(m.Type), kernelname.Map(n.Type))
	number("key size", m.KeySize, n.KeySize)
	number("value size", m.ValueSize, n.ValueSize)
	number("entries", m.MaxEntries, n.MaxEntries)
	d.Changes = change(d.Changes, "flags", fmt.Sprintf("%#x", m.Flags), fmt.Sprintf("%#x", n.Flags))
	incompatible := len(d.Changes) > 0
	if m.Key != nil && n.Key != nil {
		d.Changes = change(d.Changes, "key type", elf.TypeName(m.Key), elf.TypeName(n.Key))
	}
	if m.Value != nil && n.Value != nil {
		d.Changes = change(d.Changes, "value type", elf.TypeName(m.Value), elf.TypeName(n.Value))
	}
	d.Changes = change(d.Changes, "pinning", m.Pinning.String(), n.Pinning.String())
	d.Changes = change(d.Changes, "contents", fmt.Sprint(m.Contents), fmt.Sprint(n.Contents))
	d.Reload = reload(m, n, incompatible)
	return d
}

// reload says what loading the second object does to the map that the first
// one pinned. Global and by name are one place, as iproute2 and libbpf have it.
func reload(m, n elf.Map, incompatible bool) string {
	shared := func(p elf.Pinning) bool { return p == elf.PinGlobal || p == elf.PinByName }
	same := m.Pinning == n.Pinning || shared(m.Pinning) && shared(n.Pinning)
	switch {
	case m.Pinning == elf.PinNone && n.Pinning == elf.PinNone:
		return ""
	case m.Pinning == elf.PinNone:
		return "a new map is pinned"
	case n.Pinning == elf.PinNone:
		return "the pinned map stays, and a new one is used"
	case m.Pinning == elf.PinObject && same:
		return "a new map is pinned: the place depends on the object's bytes"
	case !same:
		return "the pinned map stays, and a new one is pinned elsewhere"
	case incompatible:
		return "refused: the pinned map is of another kind"
	}
	return "the pinned map is used on"
}
