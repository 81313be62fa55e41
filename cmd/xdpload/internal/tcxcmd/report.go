package tcxcmd

import (
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
)

// multiReport is what changed on a hook that runs several programs.
type multiReport struct {
	Device    string                 `json:"device"`
	Ifindex   int                    `json:"ifindex"`
	Hook      string                 `json:"hook"`
	Position  int                    `json:"position"` // from 0
	Revision  uint64                 `json:"revision,omitempty"`
	Program   *subject.ProgramReport `json:"program"`
	Link      *subject.BPFLink       `json:"bpf_link,omitempty"`
	Maps      []subject.MapReport    `json:"maps,omitempty"`
	Replaced  *subject.ProgramReport `json:"replaced,omitempty"`
	Kept      *subject.Kept          `json:"kept,omitempty"`
	Detached  *subject.ProgramReport `json:"detached,omitempty"`
	Unchanged bool                   `json:"unchanged,omitempty"`
}

func (*multiReport) Changes() {}

// WriteText prints one line.
func (r *multiReport) WriteText(t *render.Text, o render.Options) {
	t.Printf("%s %s: ", r.Device, r.Hook)
	switch {
	case r.Detached != nil:
		t.Printf("detached program %v", r.Detached)
	case r.Program == nil:
		t.WriteString("no such program was attached")
	case r.Unchanged:
		t.Printf("unchanged, program %v is attached at position %d", r.Program, r.Position)
	default:
		t.Printf("attached program %v", r.Program)
		t.If(r.Revision != 0, " at position %d, revision %d", r.Position, r.Revision) // else it could not be read
	}
	t.If(r.Replaced != nil, ", replaced program %v", r.Replaced)
	t.If(r.Kept != nil, ", %v", r.Kept)
	t.If(r.Link != nil, ", %v", r.Link)
	t.WriteByte('\n')
	r.Kept.WriteText(t, o)
}
