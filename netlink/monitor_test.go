package netlink

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/testdev"
)

func TestMonitorKernel(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	m, err := Subscribe(nil, TopicTC|TopicLinks)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()

	f := &Filter{
		Ifindex: va.Index, Parent: Ingress, Pref: 1, Handle: 1, Protocol: ProtocolAll, Kind: "bpf",
		BPF: &BPFFilter{Bytecode: []Instruction{{Code: 6, K: 1}}},
	}
	ch := &Chain{Ifindex: va.Index, Parent: Ingress, Index: 4}
	set := func(do func(*Filter) (*Filter, error)) func() error {
		return func() error { _, err := do(f); return err }
	}
	var want []string
	for _, s := range []struct {
		event string
		do    func() error
	}{
		{"changed qdisc", func() error { return c.AddQdisc(Clsact(va.Index)) }},
		{"added filter", set(c.AddFilter)},
		{"replaced filter", set(c.ReplaceFilter)},
		{"changed filter", set(c.ChangeFilter)},
		{"deleted filter", func() error {
			return c.DeleteFilter(&Filter{Ifindex: va.Index, Parent: Ingress, Pref: 1, Handle: 1, Kind: "bpf"})
		}},
		{"added chain", func() error { return c.AddChain(ch) }},
		{"deleted chain", func() error { return c.DeleteChain(ch) }},
		{"changed link", func() error { return testdev.SetMTU(va.Index, 1400) }},
		{"deleted link", func() error { return c.DeleteLink(va.Index) }},
	} {
		if err := s.do(); err != nil {
			t.Fatal(err)
		}
		want = append(want, s.event)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	for ev, err := range m.Events(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		text, of := eventText(ev)
		if of == va.Index && (len(got) == 0 || got[len(got)-1] != text) { // one request may make several
			got = append(got, text)
		}
		if ev.Link != nil && ev.Change == Deleted && of == va.Index {
			break
		}
	}
	rest := got
	for _, w := range want { // in this order, among others
		i := slices.Index(rest, w)
		if i < 0 {
			t.Fatalf("no %q where it belongs in %q", w, got)
		}
		rest = rest[i+1:]
	}
	cancel()
	for ev, err := range m.Events(ctx) {
		t.Errorf("after cancel: %v, %v", ev, err)
	}
}

func eventText(ev *Event) (string, int) {
	switch {
	case ev.Link != nil:
		return ev.Change.String() + " link", ev.Link.Index
	case ev.Qdisc != nil:
		return ev.Change.String() + " qdisc", ev.Qdisc.Ifindex
	case ev.Chain != nil:
		return ev.Change.String() + " chain", ev.Chain.Ifindex
	case ev.Filter != nil:
		return ev.Change.String() + " filter", ev.Filter.Ifindex
	}
	return ev.Change.String() + " actions", 0
}

func TestMonitorSaysThatEventsWereLost(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	m, err := Subscribe(nil, TopicLinks)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for i := range uint32(3000) {
		if err := testdev.SetMTU(va.Index, 1000+i%2); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	events, lost := 0, 0
	for _, err := range m.Events(ctx) {
		switch {
		case errors.Is(err, unix.ENOBUFS):
			lost++
		case err != nil:
			t.Fatal(err)
		default:
			events++
		}
		if lost > 0 && events > 0 {
			return
		}
	}
	t.Errorf("%d events, %d notices of lost ones, want some of both", events, lost)
}

func TestMonitorEndsWithItsContext(t *testing.T) {
	inNetNS(t)
	m, err := Subscribe(nil, TopicTC)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for ev, err := range m.Events(ctx) {
		t.Errorf("got %v, %v", ev, err)
	}
}
