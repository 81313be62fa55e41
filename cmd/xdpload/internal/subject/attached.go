package subject

import (
	"fmt"
	"strings"
	"sync"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// AttachedProgram has the keys of iproute2's "prog", and beside them ours.
// A plain user is told the id alone.
type AttachedProgram struct {
	ID        uint32   `json:"id"`
	Name      *string  `json:"name,omitempty"`
	Tag       string   `json:"tag,omitempty"`
	JITed     *int     `json:"jited,omitempty"`
	LoadTime  uint64   `json:"load_time,omitempty"` // nanoseconds since boot
	CreatedBy *uint32  `json:"created_by_uid,omitempty"`
	BTF       uint32   `json:"btf_id,omitempty"`
	MapIDs    []uint32 `json:"map_ids,omitempty"`
	Pinned    []string `json:"pinned,omitempty"`
}

func (p *AttachedProgram) Write(b *strings.Builder) { b.Write(p.Append(nil)) }

// Append appends what is known of the program beyond its id.
func (p *AttachedProgram) Append(b []byte) []byte {
	if p.Name == nil {
		return b
	}
	b = fmt.Appendf(b, " name %s tag %s", *p.Name, p.Tag)
	if *p.JITed != 0 {
		b = append(b, " jited"...)
	}
	if p.LoadTime != 0 {
		b = fmt.Appendf(b, " load_time %d", p.LoadTime)
	}
	if p.CreatedBy != nil {
		b = fmt.Appendf(b, " created_by_uid %d", *p.CreatedBy)
	}
	if p.BTF != 0 {
		b = fmt.Appendf(b, " btf_id %d", p.BTF)
	}
	for i, id := range p.MapIDs {
		sep := ","
		if i == 0 {
			sep = " map_ids "
		}
		b = fmt.Appendf(b, "%s%d", sep, id)
	}
	for _, path := range p.Pinned {
		b = append(append(b, " pinned "...), path...)
	}
	return b
}

// ProgramView is what reports on programs that run on hooks are made with.
type ProgramView struct {
	Details bool
	Foreign bool // print what iproute2 prints, and no more
	pins    func(program uint32) []string
	attach.Inventory
}

// NewProgramView returns a view with the options of the command line.
func NewProgramView(e *env.Env) ProgramView {
	return ProgramView{Details: e.Details, Foreign: e.Tool.Foreign(), pins: Pins(e)}
}

// Attached reports on one.
func (v *ProgramView) Attached(p *prog.Info) *AttachedProgram {
	r := ShowProgram(p, v.Details)
	if p.Tag != "" && !v.Foreign {
		r.LoadTime, r.MapIDs, r.Pinned = p.LoadTime, p.MapIDs, v.pins(p.ID)
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
	jited := 0
	if p.JITed {
		jited = 1
	}
	r.Name, r.Tag, r.JITed = &p.Name, p.Tag, &jited
	if details {
		r.LoadTime, r.CreatedBy, r.BTF = p.LoadTime, &p.CreatedBy, p.BTF
	}
	return r
}

// Pins finds the paths of pinned programs. Without a BPF file system there are
// none.
func Pins(e *env.Env) func(program uint32) []string {
	if e.Tool.Foreign() {
		return nil
	}
	find := sync.OnceValue(func() map[uint32][]string {
		fs, err := pin.Open(Bpffs(e))
		if err != nil {
			return nil
		}
		return fs.Programs()
	})
	return func(program uint32) []string { return find()[program] }
}
