package prog_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// private loads a program of testrun.o without a pin.
func private(t *testing.T, program string) *load.Loaded {
	t.Helper()
	bpftest.Need(t, bpftest.Root)
	l, err := load.Load(t.Context(), lab.Object(t, "testrun.o"), load.Options{
		Select: elf.Selector{Program: program}, Pins: load.PinOptions{Off: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// verdictsOf reads what xdp_sort has said of packets 0 to n-1, 0 for those that
// it has not seen, else the verdict and one.
func verdictsOf(t *testing.T, l *load.Loaded, n int) []uint32 {
	t.Helper()
	out := make([]uint32, n)
	for _, m := range l.Maps {
		if m.Name != "verdicts" {
			continue
		}
		for i := range out {
			if err := m.Lookup(uint32(i), &out[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

// The same packets have the same verdicts on a veth and in a test run.
func TestRunLikeVeth(t *testing.T) {
	n := 10_000
	if bpftest.InGuest() {
		n = 500
	}
	run := private(t, "xdp_sort")
	said := make([]uint32, n)
	counts := map[string]int{}
	for i := range said {
		r, err := run.Program().Run(prog.RunOptions{Data: bpftest.Frame(uint32(i))})
		if err != nil {
			t.Fatal(err)
		}
		said[i] = r.Verdict.Value + 1
		counts[r.Verdict.String()]++
	}
	if diff := cmp.Diff(said, verdictsOf(t, run, n)); diff != "" {
		t.Fatalf("what the program recorded is not what was returned:\n%s", diff)
	}
	if len(counts) != 5 {
		t.Errorf("verdicts %v, want all five", counts)
	}

	ns := bpftest.NewNamespace(t)
	a, b := ns.Veth("v0", "v1")
	attached := private(t, "xdp_sort")
	ns.Netlink(func(c *netlink.Conn) error {
		_, err := lab.Attach(t, c, attached.Program(), attach.Plan{Hook: attach.XDP{Ifindex: a}})
		return err
	})
	tap := ns.Tap(b)
	if err := tap.SendAll(n); err != nil {
		t.Fatal(err)
	}
	seen := verdictsOf(t, attached, n)
	if diff := cmp.Diff(said, seen); diff != "" {
		t.Errorf("on the veth it says otherwise:\n%s", diff)
	}
}

func TestRunChanges(t *testing.T) {
	frame := bpftest.Frame(7)
	tag := []byte{0x81, 0, 0, 0x2a}
	push := slices.Insert(slices.Clone(frame), 12, tag...)
	for _, tt := range []struct {
		name, program string
		options       prog.RunOptions
		verdict       string
		data, meta    []byte
		changed       []prog.ContextChange
		need          []bpftest.Feature
	}{
		{name: "longer", program: "xdp_push", options: prog.RunOptions{Data: frame}, verdict: "XDP_TX", data: push},
		{
			name: "longer each time", program: "xdp_push", verdict: "XDP_TX",
			options: prog.RunOptions{Data: frame, Repeat: 3}, data: slices.Insert(slices.Clone(push), 12, slices.Repeat(tag, 2)...),
		},
		{
			name: "meta", program: "xdp_meta", options: prog.RunOptions{Data: frame}, verdict: "XDP_PASS", data: frame, meta: []byte{1, 0, 0, 0},
			need: []bpftest.Feature{bpftest.ContextOfXDP},
		},
		{
			name: "context", program: "tc_mark", verdict: "TC_ACT_OK", data: frame,
			options: prog.RunOptions{Data: frame, Context: []prog.ContextField{{Name: "mark", Value: "7"}, {Name: "priority", Value: "0x10"}, {Name: "cb[0]", Value: "3"}}},
			changed: []prog.ContextChange{{Name: "mark", Before: 7, Now: 16}, {Name: "cb[1]", Before: 0, Now: 10}},
		},
		{name: "socket", program: "keep", options: prog.RunOptions{Data: frame}, verdict: "KEEP 20", data: frame},
		{name: "short", program: "keep", options: prog.RunOptions{Data: frame[:20]}, verdict: "DROP", data: frame[:20]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.need...)
			r, err := private(t, tt.program).Program().Run(tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict.String() != tt.verdict {
				t.Errorf("verdict %s, want %s", r.Verdict, tt.verdict)
			}
			if diff := cmp.Diff(tt.data, r.Data); diff != "" {
				t.Errorf("data:\n%s", diff)
			}
			if diff := cmp.Diff(tt.meta, r.Meta); diff != "" {
				t.Errorf("meta:\n%s", diff)
			}
			if diff := cmp.Diff(tt.changed, r.Changed); diff != "" {
				t.Errorf("context:\n%s", diff)
			}
		})
	}
}

func TestRunErrors(t *testing.T) {
	frame := bpftest.Frame(7)
	field := func(name, value string) prog.RunOptions {
		return prog.RunOptions{Data: frame, Context: []prog.ContextField{{Name: name, Value: value}}}
	}
	for _, tt := range []struct {
		name, program string
		options       prog.RunOptions
		want          string
	}{
		{name: "no packet", program: "xdp_sort", want: "a packet of 0 bytes"},
		{name: "no such field", program: "tc_mark", options: field("colour", "1"), want: "context field colour: there is none; the kernel accepts mark, priority"},
		{name: "refused field", program: "tc_mark", options: field("protocol", "1"), want: "context field protocol: the kernel accepts no value: the kernel has it from the Ethernet header"},
		{name: "refused field of XDP", program: "xdp_sort", options: field("egress_ifindex", "1"), want: "it is for programs of a DEVMAP"},
		{name: "no number", program: "tc_mark", options: field("mark", "x"), want: `"x": expected a number of 32 bits`},
		{name: "no bytes", program: "xdp_sort", options: field("data_meta", "x"), want: "expected bytes in hexadecimal"},
		{name: "meta of three bytes", program: "xdp_sort", options: field("data_meta", "010203"), want: "the kernel refuses these values of the context: "},
		{name: "no device", program: "tc_mark", options: field("ifindex", "99999"), want: "no device has that ifindex"},
		{name: "no queue", program: "xdp_sort", options: field("rx_queue_index", "1"), want: "the kernel refuses these values of the context: ingress_ifindex and rx_queue_index"},
		{name: "very long", program: "tc_mark", options: prog.RunOptions{Data: make([]byte, 1<<20)}, want: "a packet of 1048576 bytes"},
		{name: "very long for XDP", program: "xdp_sort", options: prog.RunOptions{Data: make([]byte, 4<<20)}, want: "a packet of 4194304 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := private(t, tt.program).Program().Run(tt.options)
			if _, ok := errors.AsType[*prog.RunError](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// Newer kernels refuse a packet that announces a header of IP and does not have
// it, older ones run the program.
func TestRunShortIP(t *testing.T) {
	l := private(t, "tc_mark")
	for _, tt := range []struct {
		name, protocol string
		short          int // a byte less than it takes
	}{
		{name: "IPv4", protocol: "\x08\x00", short: 14 + 19},
		{name: "IPv6", protocol: "\x86\xdd", short: 14 + 39},
	} {
		packet := make([]byte, tt.short+1)
		copy(packet[12:], tt.protocol)
		if _, err := l.Program().Run(prog.RunOptions{Data: packet}); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		_, err := l.Program().Run(prog.RunOptions{Data: packet[:tt.short]})
		if err != nil && !strings.Contains(err.Error(), "the Ethernet header says "+tt.name) {
			t.Errorf("%s cut: %v", tt.name, err)
		}
	}
}
