package netcmd

import (
	"github.com/xdpload/xdpload/internal/render"
)

// WriteText prints a line for the device, and below it one for each program.
func (d *netDevice) WriteText(t *render.Text, o render.Options) {
	if o.Brief {
		d.writeBrief(t)
		return
	}
	t.Printf("%d: %s\n", d.Ifindex, d.title())
	for i := range d.Attached {
		t.Fields(&d.Attached[i])
		t.WriteByte('\n')
	}
}

func (d *netDevice) writeBrief(t *render.Text) {
	t.Printf("%-16s", d.title())
	last := ""
	for i := range d.Attached {
		a := &d.Attached[i]
		t.If(a.Hook != last, " %s", a.Hook)
		last = a.Hook
		t.Printf(" %d", a.Program.ID)
		if a.Program.Name != nil && *a.Program.Name != "" {
			t.Printf("(%s)", *a.Program.Name)
		}
		t.If(a.Program.Stats != nil, " %v", a.Program.Stats)
	}
	t.If(len(d.Attached) == 0, " -")
	t.WriteByte('\n')
}
