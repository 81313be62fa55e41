package mapcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/btfjson"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/prog"
)

// A form says what the bytes of a record are.
type form struct {
	codec  *btfjson.Codec // of what it begins with, nil if that is not known
	packet int            // where the packet is, -1 for none
	padded bool           // up to seven bytes at the end are the kernel's
	// Nil without such a member.
	length, time, ifindex func(head []byte) uint64
}

// parts are the pieces of a record. Head has the size of the type, or is empty where the
// record is shorter than that.
type parts struct{ head, rest, packet []byte }

func (f *form) cut(data []byte) (p parts) {
	p.rest = data
	if f.packet >= 0 && len(data) >= f.packet {
		p.rest, p.packet = data[:f.packet], data[f.packet:]
	}
	if f.codec != nil && len(p.rest) >= f.codec.Size() {
		p.head, p.rest = p.rest[:f.codec.Size()], p.rest[f.codec.Size():]
		if f.padded && p.packet == nil && len(p.rest) < 8 {
			p.rest = nil
		}
	}
	return p
}

// form finds the type.
func (r *eventsRequest) form(m *ebpf.Map) (f *form, err error) {
	f = &form{packet: -1, padded: m.Type() == ebpf.PerfEventArray}
	if r.Type != "" {
		if f.codec, err = r.findType(m); err != nil {
			return nil, err
		}
	}
	for _, member := range []struct {
		name string
		read *func([]byte) uint64
	}{{r.Length, &f.length}, {r.Time, &f.time}, {r.Ifindex, &f.ifindex}} {
		if member.name == "" {
			continue
		}
		part, err := f.codec.Part(member.name)
		if err != nil {
			return nil, fmt.Errorf("type %s: %w", r.Type, err)
		}
		var ok bool
		if *member.read, ok = part.Uint(); !ok {
			return nil, fmt.Errorf("type %s: member %s is no number", r.Type, member.name)
		}
	}
	switch {
	case !r.Packet:
	case r.At == nil && f.codec == nil:
		f.packet = 0
	case r.At == nil:
		f.packet = f.codec.Size()
	case f.codec != nil && *r.At < f.codec.Size():
		return nil, fmt.Errorf("the packet is at %d, within the %d bytes of the type %s", *r.At, f.codec.Size(), r.Type)
	default:
		f.packet = *r.At
	}
	return f, nil
}

// findType looks in the object file if there is one, else at what is loaded.
func (r *eventsRequest) findType(m *ebpf.Map) (*btfjson.Codec, error) {
	if r.Object != "" {
		o, err := elf.Open(r.Object)
		if err != nil {
			return nil, err
		}
		types, err := o.Types()
		if err != nil {
			return nil, err
		}
		c, err := mapdata.TypeIn(types, r.Type)
		if err != nil {
			err = env.WithHints(fmt.Errorf("%s: %w", r.Object, err),
				"clang leaves out a type that only local variables have: a global variable keeps it, as struct "+r.Type+" *unused;")
		}
		return c, err
	}
	ids, err := loadedTypes(m)
	var c *btfjson.Codec
	if err == nil {
		c, err = mapdata.LoadedType(ids, r.Type)
	}
	if err != nil {
		hint := "obj FILE names the object that has the type: what no function takes or returns is not loaded"
		if errors.Is(err, fs.ErrPermission) {
			hint = "obj FILE names the object that has the type: what is loaded CAP_SYS_ADMIN alone may look at"
		}
		return nil, env.WithHints(err, hint)
	}
	return c, nil
}

// loadedTypes lists the ids of the BTF of a map and of the programs that use it.
func loadedTypes(m *ebpf.Map) (ids []uint32, err error) {
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	if id, ok := info.BTFID(); ok && id != 0 {
		ids = append(ids, uint32(id))
	}
	id, _ := info.ID()
	users, err := subject.Collect(subject.LoadedPrograms(), func(p *prog.Info) bool { return p.BTF != 0 && slices.Contains(p.MapIDs, uint32(id)) })
	for _, p := range users {
		ids = append(ids, p.BTF)
	}
	return ids, err
}
