package tcxcmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/xdpload/xdpload/attach"
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
	Detached  *subject.ProgramReport `json:"detached,omitempty"`
	Unchanged bool                   `json:"unchanged,omitempty"`
}

func newMultiReport(a *attach.Attachment) *multiReport {
	return &multiReport{
		Device: a.Device, Ifindex: a.Ifindex, Hook: a.Hook(),
		Position: a.Multi.Position, Revision: a.Multi.Revision, Link: subject.ReportLink(a.Link),
	}
}

func (*multiReport) Changes() {}

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
