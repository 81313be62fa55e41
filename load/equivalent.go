package load

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/prog"
)

// Does reports whether a program that is attached does the same as the loaded one.
func (l *Loaded) Does(attached prog.Info) (bool, error) {
	c := comparison{loaded: make(map[uint32]*Map), pairs: make(map[uint32]uint32)}
	for _, m := range l.Maps {
		c.loaded[m.ID] = m
	}
	same, err := c.programs(l.Program().Info, attached)
	if err != nil || !same {
		return false, err
	}
	if same, err := l.pins.has(attached); err != nil || !same {
		return false, err
	}
	for _, s := range l.live {
		if same, err := c.slot(s); err != nil || !same {
			return false, err
		}
	}
	return c.variables(l)
}

// comparison walks the maps of two programs side by side.
type comparison struct {
	loaded map[uint32]*Map   // the maps of the load, by id
	pairs  map[uint32]uint32 // ids of maps of the load that were found the same as others
}

// programs compares instructions by their tag, which leaves maps out
// (kernel/bpf/core.c, bpf_prog_calc_tag); the kernel lists those in the order
// in which the instructions name them.
func (c *comparison) programs(a, b prog.Info) (bool, error) {
	if a.ID == b.ID {
		return true, nil
	}
	if a.Tag != b.Tag || a.Type != b.Type || len(a.MapIDs) != len(b.MapIDs) {
		return false, nil
	}
	for i, id := range a.MapIDs {
		if same, err := c.maps(id, b.MapIDs[i]); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (c *comparison) maps(a, b uint32) (bool, error) {
	if seen, ok := c.pairs[a]; ok || a == b {
		return a == b || seen == b, nil
	}
	m := c.loaded[a]
	if m == nil || m.Pin != "" || m.Reused {
		return false, nil // shared with others: it is this very map that is meant
	}
	other, err := ebpf.NewMapFromID(ebpf.MapID(b))
	if err != nil {
		return false, fmt.Errorf("map id %d of the attached program: %w", b, err)
	}
	defer other.Close()
	c.pairs[a] = b
	if !definedAlike(m.Map, other) {
		return false, nil
	}
	switch {
	case constant(m.Name):
		return sameBytes(m.Map, other, 0, int(m.ValueSize()))
	case m.Type() == ebpf.ProgramArray:
		return c.sameSlots(m.Map, other)
	}
	return true, nil
}

func definedAlike(a, b *ebpf.Map) bool {
	infoA, errA := a.Info()
	infoB, errB := b.Info()
	return errA == nil && errB == nil && infoA.Name == infoB.Name &&
		a.Type() == b.Type() && a.KeySize() == b.KeySize() && a.ValueSize() == b.ValueSize() &&
		a.MaxEntries() == b.MaxEntries() && a.Flags() == b.Flags()
}

// sameBytes compares a part of the one value of two sections of variables.
func sameBytes(a, b *ebpf.Map, from, to int) (bool, error) {
	ours, err := a.LookupBytes(uint32(0))
	if err != nil {
		return false, err
	}
	theirs, err := b.LookupBytes(uint32(0))
	if err != nil || to > len(ours) || to > len(theirs) {
		return false, err
	}
	return bytes.Equal(ours[from:to], theirs[from:to]), nil
}

// sameSlots compares the programs of two arrays.
func (c *comparison) sameSlots(a, b *ebpf.Map) (bool, error) {
	ours, err := slots(a)
	if err != nil {
		return false, err
	}
	theirs, err := slots(b)
	if err != nil || len(ours) != len(theirs) {
		return false, err
	}
	for key, id := range ours {
		other, ok := theirs[key]
		if !ok {
			return false, nil
		}
		infoA, err := prog.InfoByID(id)
		if err != nil {
			return false, err
		}
		infoB, err := prog.InfoByID(other)
		if err != nil {
			return false, err
		}
		if same, err := c.programs(infoA, infoB); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// slot says whether a slot of an array that was there before runs what it is
// to run: the load may bring other tails, or one before it was killed on the way.
func (c *comparison) slot(s liveSlot) (bool, error) {
	var id uint32
	if err := s.m.Lookup(s.key, &id); err != nil {
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			err = nil
		}
		return false, err
	}
	ours, err := sys.InfoOfProgram(s.program.FD())
	if err != nil {
		return false, err
	}
	theirs, err := prog.InfoByID(id)
	if err != nil {
		return false, err
	}
	return c.programs(prog.InfoOf(ours), theirs)
}

// slots are the ids of the programs in an array.
func slots(m *ebpf.Map) (map[uint32]uint32, error) {
	out := make(map[uint32]uint32)
	var key, id uint32
	entries := m.Iterate()
	for entries.Next(&key, &id) {
		out[key] = id
	}
	return out, entries.Err()
}

// variables compares those that the load was told to set with what they are
// now.
func (c *comparison) variables(l *Loaded) (bool, error) {
	if len(l.options.Variables) == 0 {
		return true, nil
	}
	all, err := l.obj.Variables()
	if err != nil {
		return false, err
	}
	for _, v := range all {
		if !l.sets(v.Name) {
			continue
		}
		for _, m := range l.Maps {
			if m.Name != v.Section {
				continue
			}
			id, ok := c.pairs[m.ID]
			if !ok {
				continue // no instruction names it
			}
			other, err := ebpf.NewMapFromID(ebpf.MapID(id))
			if err != nil {
				return false, err
			}
			same, err := sameBytes(m.Map, other, int(v.Offset), int(v.Offset+v.Size))
			other.Close()
			if err != nil || !same {
				return false, err
			}
		}
	}
	return true, nil
}

// sets says whether an option is about the variable or a part of it.
func (l *Loaded) sets(name string) bool {
	return slices.ContainsFunc(l.options.Variables, func(v Variable) bool {
		rest, ok := strings.CutPrefix(v.Name, name)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}
