package netlink

import (
	"testing"

	"github.com/mdlayher/netlink"
	"github.com/mdlayher/netlink/nltest"
	"golang.org/x/sys/unix"
)

const many = 10_000

// dumpOf is a Conn whose every list is many times body.
func dumpOf(b *testing.B, typ netlink.HeaderType, body []byte) *Conn {
	c := &Conn{nl: nltest.Dial(func(req []netlink.Message) ([]netlink.Message, error) {
		header := netlink.Header{Type: typ, Flags: netlink.Multi, Sequence: req[0].Header.Sequence, PID: nltest.PID}
		msgs := make([]netlink.Message, many, many+1)
		for i := range msgs {
			msgs[i] = netlink.Message{Header: header, Data: body}
		}
		header.Type = netlink.Done
		return append(msgs, netlink.Message{Header: header}), nil
	})}
	b.Cleanup(func() { c.Close() })
	return c
}

func BenchmarkDecodeLinks(b *testing.B) {
	c := dumpOf(b, unix.RTM_NEWLINK, vethMessage(b))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range c.Links() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != many {
			b.Fatal(n)
		}
	}
}

func BenchmarkDecodeLinkXDPs(b *testing.B) {
	c := dumpOf(b, unix.RTM_NEWLINK, vethMessage(b))
	b.ReportAllocs()
	for b.Loop() {
		if all, err := c.LinkXDPs(); err != nil || len(all) != 1 {
			b.Fatal(all, err)
		}
	}
}

func BenchmarkDecodeFilters(b *testing.B) {
	f := onIngress(1, direct)
	f.Kind = "bpf"
	r := filterRequest("", unix.RTM_NEWTFILTER, 0, &f)
	if r.err != nil {
		b.Fatal(r.err)
	}
	c := dumpOf(b, unix.RTM_NEWTFILTER, r.b)
	b.ReportAllocs()
	for b.Loop() {
		if n := len(filters(b, c, FilterQuery{Ifindex: 3, Parent: Ingress})); n != many {
			b.Fatal(n)
		}
	}
}

func BenchmarkKernelAddFilter(b *testing.B) {
	c := inNetNS(b)
	va := clsact(b, c)
	f := &Filter{
		Ifindex: va.Index, Parent: Ingress, Pref: 1, Protocol: ProtocolAll, Kind: "bpf",
		BPF: &BPFFilter{Bytecode: []Instruction{{Code: 6}}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.AddFilter(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKernelFilters(b *testing.B) {
	c := inNetNS(b)
	va := clsact(b, c)
	f := &Filter{
		Ifindex: va.Index, Parent: Ingress, Pref: 1, Protocol: ProtocolAll, Kind: "bpf",
		BPF: &BPFFilter{Bytecode: []Instruction{{Code: 6}}},
	}
	const n = 2000
	for range n {
		if _, err := c.AddFilter(f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := len(filters(b, c, FilterQuery{Ifindex: va.Index, Parent: Ingress})); got != n {
			b.Fatal(got)
		}
	}
}

func BenchmarkKernelLink(b *testing.B) {
	c := inNetNS(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Link("lo"); err != nil {
			b.Fatal(err)
		}
	}
}
