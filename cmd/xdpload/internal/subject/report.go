package subject

import (
	"fmt"
	"strings"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// ProgramReport names a program.
type ProgramReport struct {
	ID   uint32 `json:"id"`
	Name string `json:"name"`
	Tag  string `json:"tag"`
}

// MapReport names a map.
type MapReport struct {
	ID     uint32 `json:"id"`
	Name   string `json:"name"`
	Pinned string `json:"pinned,omitempty"` // the path
	Reused bool   `json:"reused,omitempty"` // it was there before
}

// ReportProgram reports on a program by id, name and tag, nil for none.
func ReportProgram(p *prog.Info) *ProgramReport {
	if p == nil {
		return nil
	}
	return &ProgramReport{ID: p.ID, Name: p.Name, Tag: p.Tag}
}

// Is reports whether both are the same program, or none.
func (p *ProgramReport) Is(o *ProgramReport) bool {
	return p == o || p != nil && o != nil && *p == *o
}

func (p *ProgramReport) String() string {
	s := fmt.Sprintf("id %d", p.ID)
	if p.Name != "" {
		s += " name " + p.Name
	}
	if p.Tag != "" {
		s += " tag " + p.Tag
	}
	return s
}

// BPFLink is the bpf_link that holds a program.
type BPFLink struct {
	ID        uint32    `json:"id"`
	Pinned    []string  `json:"pinned,omitempty"`
	Processes []Process `json:"processes,omitempty"` // that have it open
}

func (l *BPFLink) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "bpf_link %d", l.ID)
	for _, path := range l.Pinned {
		b.WriteString(" pinned " + path)
	}
	for _, p := range l.Processes {
		fmt.Fprintf(&b, " held by %v", p)
	}
	return b.String()
}

// ReportLink reports on a bpf_link by its id, nil for none.
func ReportLink(l *attach.LinkInfo) *BPFLink {
	if l == nil {
		return nil
	}
	return &BPFLink{ID: l.ID}
}

// ReportMaps leaves out those of a program that was not attached.
func ReportMaps(maps []*load.Map, unchanged bool) (out []MapReport) {
	if unchanged {
		return nil
	}
	for _, m := range maps {
		out = append(out, MapReport{ID: m.ID, Name: m.Name, Pinned: m.Pin, Reused: m.Reused})
	}
	return out
}
