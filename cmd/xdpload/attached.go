package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// attachedProgram has the keys of iproute2's "prog", and beside them ours.
// A plain user is told the id alone.
type attachedProgram struct {
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

func (p *attachedProgram) write(b *strings.Builder) { b.Write(p.append(nil)) }

// append appends what is known of the program beyond its id.
func (p *attachedProgram) append(b []byte) []byte {
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

// programView is what reports on programs that run on hooks are made with.
type programView struct {
	details bool
	foreign bool // print what iproute2 prints, and no more
	pins    func(program uint32) []string
	attach.Inventory
}

func newProgramView(e *env) programView {
	return programView{details: e.Details, foreign: e.tool.foreign(), pins: e.pins()}
}

// program reports on one.
func (v *programView) program(p *prog.Info) *attachedProgram {
	r := showProgram(p, v.details)
	if p.Tag != "" && !v.foreign {
		r.LoadTime, r.MapIDs, r.Pinned = p.LoadTime, p.MapIDs, v.pins(p.ID)
	}
	return &r
}

// showProgram is what a hook's list tells of a program. One that is not to be
// looked at has its id only.
func showProgram(p *prog.Info, details bool) attachedProgram {
	r := attachedProgram{ID: p.ID}
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

// pins finds the paths of pinned programs. Without a BPF file system there are
// none.
func (e *env) pins() func(program uint32) []string {
	if e.tool.foreign() {
		return nil
	}
	find := sync.OnceValue(func() map[uint32][]string {
		fs, err := pin.Open(e.bpffs())
		if err != nil {
			return nil
		}
		return fs.Programs()
	})
	return func(program uint32) []string { return find()[program] }
}
