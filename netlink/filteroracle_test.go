package netlink

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/need"
)

// tcFilter is what `tc -j filter show` says.
type tcFilter struct {
	Protocol Protocol
	Pref     uint16
	Kind     string
	Chain    uint32
	Options  *struct {
		Handle  string
		FlowID  Handle
		Name    string `json:"bpf_name"`
		Direct  bool   `json:"direct-action"`
		NotInHW bool   `json:"not_in_hw"`
		Prog    struct {
			ID  uint32
			Tag string
		}
		Bytecode *struct{ Insns []Instruction }
		Actions  []struct {
			Order     int
			Kind      string
			Action    string `json:"mirred_action"`
			Direction string
			Dev       string                `json:"to_dev"`
			Control   struct{ Type string } `json:"control_action"`
			Index     uint32
			Ref, Bind int32
			Cookie    string
		}
	}
}

// compareWithTC asks tc(8) for the filters of va, in a test of its own.
func compareWithTC(t *testing.T, step string, c *Conn, ifindex int, p Parent) {
	t.Helper()
	out, err := exec.Command("tc", "-j", "filter", "show", "dev", "va", p.String()).Output() // this thread is in the namespace
	t.Run(step+", says tc", func(t *testing.T) {
		need.Of(t, need.Command("tc"))
		var theirs []tcFilter
		if err := errors.Join(err, json.Unmarshal(out, &theirs)); err != nil {
			t.Fatal(err)
		}
		compareFilters(t, theirs, c, FilterQuery{Ifindex: ifindex, Parent: p})
	})
}

// compareFilters compares filters with those that tc printed.
func compareFilters(t *testing.T, want []tcFilter, c *Conn, q FilterQuery) {
	t.Helper()
	var theirs, ours []string
	for _, f := range want {
		theirs = append(theirs, f.text())
	}
	for f, err := range c.Filters(q) {
		if err != nil {
			t.Fatal(err)
		}
		ours = append(ours, filterText(f))
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("-tc +ours:\n%s", diff)
	}
}

func (f *tcFilter) text() string {
	s := fmt.Sprint(f.Protocol, f.Pref, f.Kind, f.Chain)
	o := f.Options
	if o == nil {
		return s
	}
	s += fmt.Sprint(" ", o.Handle, o.FlowID, o.Name, o.Direct, o.NotInHW, o.Prog.ID, o.Prog.Tag)
	if o.Bytecode != nil {
		s += fmt.Sprint(o.Bytecode.Insns)
	}
	for _, a := range o.Actions {
		s += fmt.Sprint(a.Order, a.Kind, a.Action, a.Direction, a.Dev, a.Control.Type, a.Index, a.Ref, a.Bind, a.Cookie)
	}
	return s
}

func filterText(f *Filter) string {
	s := fmt.Sprint(f.Protocol, f.Pref, f.Kind, f.Chain)
	if f.Head {
		return s
	}
	b := f.BPF
	s += fmt.Sprint(" ", hexBits(f.Handle), b.ClassID, b.Name, b.Direct, b.NotInHW, b.ProgramID, hex.EncodeToString(b.Tag))
	if b.Bytecode != nil {
		s += fmt.Sprint(b.Bytecode)
	}
	for i, a := range b.Actions {
		action, direction := "redirect", "egress"
		if a.Mirred.Mirror {
			action = "mirror"
		}
		if a.Mirred.Ingress {
			direction = "ingress"
		}
		s += fmt.Sprint(i+1, a.Kind, action, direction, "lo", a.Verdict.String(), a.Index, a.Refs, a.Binds, hex.EncodeToString(a.Cookie))
	}
	return s
}
