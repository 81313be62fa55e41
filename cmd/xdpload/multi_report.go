package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
)

// multiReport is what changed on a hook that runs several programs.
type multiReport struct {
	Device    string         `json:"device"`
	Ifindex   int            `json:"ifindex"`
	Hook      string         `json:"hook"`
	Position  int            `json:"position"` // from 0
	Revision  uint64         `json:"revision,omitempty"`
	Program   *programReport `json:"program"`
	Link      *bpfLink       `json:"bpf_link,omitempty"`
	Maps      []mapReport    `json:"maps,omitempty"`
	Replaced  *programReport `json:"replaced,omitempty"`
	Detached  *programReport `json:"detached,omitempty"`
	Unchanged bool           `json:"unchanged,omitempty"`
}

// bpfLink is the bpf_link that holds a program.
type bpfLink struct {
	ID        uint32    `json:"id"`
	Pinned    []string  `json:"pinned,omitempty"`
	Processes []process `json:"processes,omitempty"` // that have it open
}

func (l *bpfLink) String() string {
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

func reportLink(l *attach.LinkInfo) *bpfLink {
	if l == nil {
		return nil
	}
	return &bpfLink{ID: l.ID}
}

func newMultiReport(a *attach.Attachment) *multiReport {
	return &multiReport{
		Device: a.Device, Ifindex: a.Ifindex, Hook: a.Hook(),
		Position: a.Multi.Position, Revision: a.Multi.Revision, Link: reportLink(a.Link),
	}
}

// reportMaps leaves out those of a program that was not attached.
func reportMaps(maps []*load.Map, unchanged bool) (out []mapReport) {
	if unchanged {
		return nil
	}
	for _, m := range maps {
		out = append(out, mapReport{ID: m.ID, Name: m.Name, Pinned: m.Pin, Reused: m.Reused})
	}
	return out
}

func (*multiReport) change() {}

// WriteText prints one line.
func (r *multiReport) WriteText(w io.Writer, _ render.Options) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", r.Device, r.Hook)
	switch {
	case r.Detached != nil:
		fmt.Fprintf(&b, "detached program %v", r.Detached)
	case r.Program == nil:
		b.WriteString("no such program was attached")
	case r.Unchanged:
		fmt.Fprintf(&b, "unchanged, program %v is attached at position %d", r.Program, r.Position)
	case r.Revision == 0: // which could not be read
		fmt.Fprintf(&b, "attached program %v", r.Program)
	default:
		fmt.Fprintf(&b, "attached program %v at position %d, revision %d", r.Program, r.Position, r.Revision)
	}
	if r.Replaced != nil {
		fmt.Fprintf(&b, ", replaced program %v", r.Replaced)
	}
	if r.Link != nil {
		fmt.Fprintf(&b, ", %v", r.Link)
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}
