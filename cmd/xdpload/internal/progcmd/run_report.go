package progcmd

import (
	"encoding/hex"
	"fmt"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/prog"
)

// progRunReport is what a program made of one packet.
type progRunReport struct {
	Program string `json:"name"`
	Type    string `json:"type"`
	Verdict string `json:"verdict"`
	Value   uint32 `json:"retval"`
	Passes  bool   `json:"passes"`
	Repeat  uint32 `json:"repeat"`
	Time    int64  `json:"duration"` // nanoseconds a run
	In      int    `json:"data_size_in"`
	Out     int    `json:"data_size_out"`

	Data    string          `json:"data_out"` // hexadecimal
	Meta    string          `json:"data_meta,omitempty"`
	Edits   []PacketEdit    `json:"changes"`
	Context []contextChange `json:"ctx_changes"`
}

// PacketEdit is a run of bytes that a program has put in the place of others.
type PacketEdit struct {
	Offset int    `json:"offset"`
	Before string `json:"before"` // hexadecimal
	Now    string `json:"now"`
}

type contextChange struct {
	Field  string `json:"field"`
	Before uint64 `json:"before"`
	Now    uint64 `json:"now"`
}

func newProgRunReport(p *prog.Program, data []byte, r *prog.RunResult, repeat uint32) *progRunReport {
	out := &progRunReport{
		Program: p.Name, Type: kernelname.Program(p.Type), Verdict: r.Verdict.String(), Value: r.Verdict.Value, Passes: r.Verdict.Passes(),
		Repeat: repeat, Time: r.Time.Nanoseconds(), In: len(data), Out: len(r.Data),
		Data: hex.EncodeToString(r.Data), Meta: hex.EncodeToString(r.Meta),
		Edits: Edits(data, r.Data), Context: []contextChange{},
	}
	for _, c := range r.Changed {
		out.Context = append(out.Context, contextChange{Field: c.Name, Before: c.Before, Now: c.Now})
	}
	return out
}

// Edits compares a packet with what became of it. Where the length differs it is
// one edit, between what is the same at the beginning and at the end.
func Edits(before, now []byte) []PacketEdit {
	out := []PacketEdit{}
	add := func(offset int, before, now []byte) {
		out = append(out, PacketEdit{Offset: offset, Before: hex.EncodeToString(before), Now: hex.EncodeToString(now)})
	}
	if len(before) != len(now) {
		same := min(len(before), len(now))
		head := 0
		for head < same && before[head] == now[head] {
			head++
		}
		tail := 0
		for tail < same-head && before[len(before)-1-tail] == now[len(now)-1-tail] {
			tail++
		}
		add(head, before[head:len(before)-tail], now[head:len(now)-tail])
		return out
	}
	for i := 0; i < len(now); i++ {
		from := i
		for i < len(now) && before[i] != now[i] {
			i++
		}
		if i > from {
			add(from, before[from:i], now[from:i])
		}
	}
	return out
}

func (e *PacketEdit) text(o render.Options) string {
	return fmt.Sprintf("at %d: %s → %s", e.Offset, shownBytes(e.Before, o), shownBytes(e.Now, o))
}

// WriteText prints a line for each thing. -brief prints the verdict alone.
func (r *progRunReport) WriteText(t *render.Text, o render.Options) {
	if o.Brief {
		t.WriteString(r.Verdict + "\n")
		return
	}
	t.Printf("%s: %s (%d), %d ns a run", r.Program, r.Verdict, int32(r.Value), r.Time)
	t.If(r.Repeat > 1, ", mean of %d", r.Repeat)
	t.Printf("\npacket: %d bytes", r.In)
	t.If(r.Out != r.In, " → %d", r.Out)
	t.If(len(r.Edits) == 0, ", unchanged")
	t.WriteByte('\n')
	for _, e := range r.Edits {
		t.Printf("  %s\n", e.text(o))
	}
	t.If(r.Meta != "", "data_meta: %s\n", r.Meta)
	for _, c := range r.Context {
		t.Printf("ctx %s: %d → %d\n", c.Field, c.Before, c.Now)
	}
	if o.Details {
		data, _ := hex.DecodeString(r.Data)
		t.WriteString(hex.Dump(data))
	}
}

// shownBytes shortens a long run, unless all is asked for.
func shownBytes(digits string, o render.Options) string {
	const most = 32
	switch {
	case digits == "":
		return "nothing"
	case len(digits) > 2*most && !o.Details:
		return fmt.Sprintf("%s… (%d bytes)", digits[:2*most], len(digits)/2)
	}
	return digits
}
