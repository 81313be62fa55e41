package progcmd

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/prog"
)

type progShowRequest struct {
	subject.ProgRef
	Stats subject.StatsRequest
}

// Show is the command prog show, which lists the programs of the kernel.
func Show() env.Command {
	return env.Command{
		Name:    "prog show|list|lst",
		Options: "details statistics brief",
		Default: true,
		Summary: "show programs, their maps, and what runs them",
		Description: `Shows every program in the kernel, or some: type, name, tag, load time (nanoseconds since boot), the ids of the maps that it uses, the paths at which it is pinned, and the places in this network namespace that run it. Of a program without a pin it shows what else holds it: a bpf_link, an element of a map of programs, devices or CPUs, a process that has it open. A name shows all programs that have it.

With -statistics it shows how often each program has run, for how many nanoseconds in all and in the mean, as far as the kernel has counted: it does while the sysctl kernel.bpf_stats_enabled is 1, or a process has it do so. With interval S it counts for that time, and shows the runs in a second and the share of a processor that they took. What a program goes on to by a tail call is counted as its own time.`,
		Examples: []grammar.Example{
			{Line: "xdpload prog show name xdp_count", Help: "the programs of that name"},
			{Line: "xdpload prog show name xdp_count interval 5", Help: "and how often they run, and how long, in the next five seconds"},
		},
		New: env.New(func(r *progShowRequest) *grammar.Node {
			return grammar.Any(r.Grammar(), r.Stats.Grammar())
		}),
	}
}

func (r *progShowRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	counted, err := r.Stats.Count(ctx, e)
	if err != nil {
		return nil, err
	}
	all, err := r.programs(e)
	if err != nil {
		return nil, err
	}
	hooks, err := subject.Hooks(e)
	if err != nil {
		return nil, err
	}
	pins, holds := subject.ProgramPins(e), subject.ProgramHolds(e)
	out := render.List[*progInfo]{}
	for _, p := range all {
		info := &progInfo{
			ID: p.ID, Name: p.Name, Type: kernelname.Program(p.Type), Tag: p.Tag, JITed: p.JITed,
			LoadTime: p.LoadTime, UID: p.CreatedBy, BTF: p.BTF, MapIDs: p.MapIDs, Pinned: pins(p.ID), Hooks: hooks[p.ID], Stats: counted.Of(p),
			Device: subject.DescribeBinding(e, p.Device), DeviceGone: p.DeviceGone,
		}
		if len(info.Pinned) == 0 && !e.Brief {
			info.Hold = holds(p.ID)
		}
		out = append(out, info)
	}
	return out, nil
}

func (r *progShowRequest) programs(e *env.Env) ([]*prog.Info, error) {
	switch {
	case r.Pinned != "":
		p, err := prog.OpenPinned(subject.PinPath(e, r.Pinned), 0)
		if err != nil {
			return nil, err
		}
		defer p.Close()
		return []*prog.Info{&p.Info}, nil
	case r.ID != 0:
		info, err := prog.InfoByID(r.ID)
		return []*prog.Info{&info}, err
	}
	all, err := subject.ProgramsNamed(r.Name)
	if err == nil && r.Name != "" && len(all) == 0 {
		_, err = r.Find(ebpf.UnspecifiedProgram) // says so
	}
	return all, err
}

// progInfo is what is known of a program.
type progInfo struct {
	ID       uint32            `json:"id"`
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Tag      string            `json:"tag"`
	JITed    bool              `json:"jited"`
	LoadTime uint64            `json:"load_time"` // nanoseconds since boot
	Stats    *subject.RunStats `json:"stats,omitempty"`
	UID      uint32            `json:"created_by_uid"`
	BTF      uint32            `json:"btf_id,omitempty"`
	MapIDs   []uint32          `json:"map_ids,omitempty"`
	Pinned   []string          `json:"pinned,omitempty" text:"    pinned %s\n"` // paths
	Hooks    []subject.Place   `json:"hooks,omitempty" text:"    runs at %v\n"`

	*subject.Hold // of one without a pin

	Device     *subject.BoundDevice `json:"bound,omitempty"`      // that it is offloaded to
	DeviceGone bool                 `json:"bound_gone,omitempty"` // and that is all there is to know
}

// WriteText prints a line, and one for each kind of thing around the program.
func (p *progInfo) WriteText(t *render.Text, o render.Options) {
	if p.DeviceGone {
		t.Printf("%d: offloaded to a device that is gone\n", p.ID)
		return
	}
	t.Printf("%d: %s %s tag %s", p.ID, p.Type, cmp.Or(p.Name, "-"), p.Tag)
	t.If(p.JITed, " jited")
	t.If(p.Device != nil, " offloaded_to %v", p.Device)
	t.If(o.Details, " load_time %d created_by_uid %d btf_id %d", p.LoadTime, p.UID, p.BTF)
	t.If(p.Stats != nil, " %v", p.Stats)
	t.WriteByte('\n')
	if o.Brief {
		return
	}
	t.If(len(p.MapIDs) > 0, "    maps %s\n", strings.Trim(fmt.Sprint(p.MapIDs), "[]"))
	t.Fields(p)
}
