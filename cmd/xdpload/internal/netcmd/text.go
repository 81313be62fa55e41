package netcmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/xdpload/xdpload/internal/render"
)

type netList []*netDevice

// WriteText prints a line for each device, and below it one for each program.
func (l netList) WriteText(w io.Writer, o render.Options) error {
	var b strings.Builder
	for _, d := range l {
		if o.Brief {
			d.writeBrief(&b)
		} else {
			d.Write(&b)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (d *netDevice) title() string {
	if d.Netns != "" {
		return d.Netns + " " + d.Name
	}
	return d.Name
}

func (d *netDevice) writeBrief(b *strings.Builder) {
	fmt.Fprintf(b, "%-16s", d.title())
	last := ""
	for i := range d.Attached {
		a := &d.Attached[i]
		if a.Hook != last {
			fmt.Fprintf(b, " %s", a.Hook)
		}
		last = a.Hook
		fmt.Fprintf(b, " %d", a.Program.ID)
		if a.Program.Name != nil && *a.Program.Name != "" {
			fmt.Fprintf(b, "(%s)", *a.Program.Name)
		}
	}
	if len(d.Attached) == 0 {
		b.WriteString(" -")
	}
	b.WriteString("\n")
}

func (d *netDevice) Write(b *strings.Builder) {
	fmt.Fprintf(b, "%d: %s\n", d.Ifindex, d.title())
	for i := range d.Attached {
		d.Attached[i].Write(b)
	}
}

func (a *netAttached) Write(b *strings.Builder) {
	fmt.Fprintf(b, "    %-14s", a.Hook)
	if a.Position != nil {
		fmt.Fprintf(b, " position %d revision %d", *a.Position, a.Revision)
	}
	if a.Handle != "" {
		fmt.Fprintf(b, " protocol %s pref %d chain %d handle %s", a.Protocol, a.Pref, *a.Chain, a.Handle)
	}
	if a.FilterName != "" {
		b.WriteString(" " + render.Line(a.FilterName))
	}
	if a.DirectAction {
		b.WriteString(" direct-action")
	}
	fmt.Fprintf(b, " id %d", a.Program.ID)
	a.Program.Write(b)
	for _, p := range a.Processes {
		fmt.Fprintf(b, " open in %v", p)
	}
	if a.Link != nil {
		fmt.Fprintf(b, " %v", a.Link)
	}
	b.WriteString("\n")
}
