package subject

import (
	"fmt"
	"strings"
	"sync"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// AttachedProgram has the keys of iproute2's "prog", and beside them ours.
// A plain user is told the id alone.
type AttachedProgram struct {
	ID        uint32    `json:"id" always:"id %d"`
	Name      *string   `json:"name,omitempty" text:" name %s"`
	Tag       string    `json:"tag,omitempty" text:" tag %s"`
	jited     bool      `text:" jited"`
	JITed     any       `json:"jited,omitempty"`                          // true or false, and 1 or 0 for scripts of iproute2
	LoadTime  uint64    `json:"load_time,omitempty" text:" load_time %d"` // nanoseconds since boot
	CreatedBy *uint32   `json:"created_by_uid,omitempty" text:" created_by_uid %d"`
	BTF       uint32    `json:"btf_id,omitempty" text:" btf_id %d"`
	MapIDs    mapIDs    `json:"map_ids,omitempty" text:" map_ids %v"`
	Pinned    []string  `json:"pinned,omitempty" text:" pinned %s"`
	Stats     *RunStats `json:"stats,omitempty" text:" %v"`
}

// mapIDs are written with commas between them.
type mapIDs []uint32

func (m mapIDs) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]uint32(m)), " ", ","), "[]")
}

func (p *AttachedProgram) String() string { return render.Fields(p) }

// Brief is the program in a list of one line for each thing.
func (p *AttachedProgram) Brief() string {
	brief := AttachedProgram{ID: p.ID, Stats: p.Stats}
	if p.Name != nil && *p.Name != "" {
		brief.Name = p.Name
	}
	return brief.String()
}

// ProgramView is what reports on programs that run on hooks are made with.
type ProgramView struct {
	Details bool
	Foreign bool     // print what iproute2 prints, and no more
	Counted *Counted // what to tell of runs
	pins    func(program uint32) []string
	attach.Inventory
}

// NewProgramView returns a view with the options of the command line.
func NewProgramView(e *env.Env) ProgramView {
	return ProgramView{Details: e.Details, Foreign: e.Tool.Foreign(), pins: ProgramPins(e)}
}

// Attached reports on one.
func (v *ProgramView) Attached(p *prog.Info) *AttachedProgram {
	r := ShowProgram(p, v.Details)
	r.Stats = v.Counted.Of(p)
	switch {
	case p.Tag == "": // it is not to be looked at
	case !v.Foreign:
		r.LoadTime, r.MapIDs, r.Pinned = p.LoadTime, p.MapIDs, v.pins(p.ID)
	case p.JITed:
		r.JITed = 1
	default:
		r.JITed = 0
	}
	return &r
}

// ShowProgram is what a hook's list tells of a program. One that is not to be
// looked at has its id only.
func ShowProgram(p *prog.Info, details bool) AttachedProgram {
	r := AttachedProgram{ID: p.ID}
	if p.Tag == "" {
		return r
	}
	r.Name, r.Tag, r.jited, r.JITed = &p.Name, p.Tag, p.JITed, p.JITed
	if details {
		r.LoadTime, r.CreatedBy, r.BTF = p.LoadTime, &p.CreatedBy, p.BTF
	}
	return r
}

// ProgramPins finds the paths of pinned programs, for a tool that prints them.
func ProgramPins(e *env.Env) func(program uint32) []string {
	find := sync.OnceValue(func() Pins {
		if e.Tool.Foreign() {
			return nil
		}
		return FindPins(e)
	})
	return func(program uint32) []string { return find().Of(pin.Program, program) }
}
