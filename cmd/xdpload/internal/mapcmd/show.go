package mapcmd

import (
	"cmp"
	"context"
	"errors"
	"io/fs"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/offload"
	"github.com/xdpload/xdpload/pin"
)

type mapShowRequest struct{ Map subject.MapRef }

// Show is the command map show, which lists the maps of the kernel.
func Show() env.Command {
	return env.Command{
		Name:        "map show|list|lst",
		Options:     "brief",
		Default:     true,
		Summary:     "show maps and the programs that use them",
		Description: `Shows every map in the kernel, or one: its definition, the paths at which it is pinned, and the programs that use it.`,
		Examples: []grammar.Example{
			{Line: "xdpload map show", Help: "every map"},
			{Line: "xdpload map show prog:xdp_count/stats", Help: "the map stats of the program xdp_count"},
		},
		New: env.New(func(r *mapShowRequest) *grammar.Node {
			return grammar.Opt(r.Map.Grammar())
		}),
	}
}

func (r *mapShowRequest) Run(_ context.Context, e *env.Env) (any, error) {
	var one *ebpf.Map
	var err error
	if !r.Map.Empty() {
		if one, err = r.Map.OpenToRead(e); err != nil {
			return nil, err
		}
		defer one.Close()
	}
	users, err := subject.MapUsers(e)
	if err != nil {
		return nil, err
	}
	list := &mapLister{env: e, users: users, pins: subject.FindPins(e)}
	if one != nil {
		report, err := list.report(one)
		return render.List[*mapInfo]{report}, err
	}
	return list.all()
}

func (l *mapLister) all() (any, error) {
	out := render.List[*mapInfo]{}
	for id, err := range subject.MapIDs() {
		if err != nil {
			return nil, err
		}
		m, err := subject.OpenMapID(id)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since
		}
		if err != nil {
			return nil, err
		}
		report, err := l.report(m)
		m.Close()
		if err != nil {
			return nil, err
		}
		out = append(out, report)
	}
	return out, nil
}

// A mapLister knows who uses and pins maps.
type mapLister struct {
	env   *env.Env
	users subject.Users
	pins  subject.Pins
}

// mapInfo is what is known of a map. Sizes are bytes.
type mapInfo struct {
	ID         uint32                   `json:"id"`
	Name       string                   `json:"name"`
	Type       string                   `json:"type"`
	KeySize    uint32                   `json:"key_size"`
	ValueSize  uint32                   `json:"value_size"`
	MaxEntries uint32                   `json:"max_entries"`
	Flags      uint32                   `json:"flags"`
	BTF        uint32                   `json:"btf_id,omitempty"`
	Frozen     bool                     `json:"frozen,omitempty"`
	Pinned     []string                 `json:"pinned,omitempty" text:"    pinned %s\n"` // paths
	Programs   []*subject.ProgramReport `json:"programs,omitempty" text:"    program %v\n"`
	Device     *subject.BoundDevice     `json:"bound,omitempty"` // that it is offloaded to
}

func (l *mapLister) report(m *ebpf.Map) (*mapInfo, error) {
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	bound, err := offload.BindingOfMap(m.FD())
	if err != nil {
		return nil, err
	}
	id, _ := info.ID()
	types, _ := info.BTFID()
	return &mapInfo{
		ID:         uint32(id),
		Name:       info.Name,
		Type:       kernelname.Map(info.Type),
		KeySize:    info.KeySize,
		ValueSize:  info.ValueSize,
		MaxEntries: info.MaxEntries,
		Flags:      info.Flags,
		BTF:        uint32(types),
		Frozen:     info.Frozen(),
		Pinned:     l.pins.Of(pin.Map, uint32(id)),
		Programs:   l.users[uint32(id)],
		Device:     subject.DescribeBinding(l.env, bound),
	}, nil
}

// WriteText prints a line, and one for each pin and program.
func (m *mapInfo) WriteText(t *render.Text, o render.Options) {
	t.Printf("%d: %s %s key %d value %d max_entries %d", m.ID, m.Type, cmp.Or(m.Name, "-"), m.KeySize, m.ValueSize, m.MaxEntries)
	t.If(m.Flags != 0, " flags %#x", m.Flags)
	t.If(m.Frozen, " frozen")
	t.If(m.Device != nil, " offloaded_to %v", m.Device)
	t.WriteByte('\n')
	if !o.Brief {
		t.Fields(m)
	}
}
