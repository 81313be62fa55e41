package netlink

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
)

// clsact makes the pair of addVeth with a clsact qdisc on va.
func clsact(t testing.TB, c *Conn) *Link {
	t.Helper()
	va := addVeth(t, c)
	if err := c.AddQdisc(Clsact(va.Index)); err != nil {
		t.Fatal(err)
	}
	return va
}

func filters(t testing.TB, c *Conn, q FilterQuery) []*Filter {
	t.Helper()
	var all []*Filter
	for f, err := range c.Filters(q) {
		if err != nil {
			t.Fatal(err)
		}
		if !f.Head {
			all = append(all, f)
		}
	}
	return all
}

func TestFilterKernel(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	fd, id := program(t, ebpf.SchedCLS, 0)
	fd2, id2 := program(t, ebpf.SchedCLS, 2)

	bpf := func(fd int) *BPFFilter { return &BPFFilter{FD: fd, Name: "two.o:[classifier]", Direct: true} }
	on := func(pref uint16, handle uint32, fd int) *Filter {
		return &Filter{
			Ifindex: va.Index, Parent: Ingress, Protocol: ProtocolAll,
			Pref: pref, Handle: handle, Kind: "bpf", BPF: bpf(fd),
		}
	}
	steps := []struct {
		name         string
		do           func(*Filter) (*Filter, error)
		f            *Filter
		pref         uint16
		handle, prog uint32
		is           error
		errno        syscall.Errno
		message      string
	}{
		{name: "first", do: c.AddFilter, f: on(0, 0, fd), pref: 49152, handle: 1, prog: id},
		{name: "second", do: c.AddFilter, f: on(0, 0, fd), pref: 49151, handle: 1, prog: id},
		{name: "pref 1", do: c.AddFilter, f: on(1, 0, fd), pref: 1, handle: 1, prog: id},
		{name: "pref 1 again", do: c.AddFilter, f: on(1, 0, fd), pref: 1, handle: 2, prog: id},
		{name: "taken", do: c.AddFilter, f: on(1, 1, fd), is: os.ErrExist, errno: syscall.EEXIST, message: "Filter already exists"},
		{name: "replace in place", do: c.ReplaceFilter, f: on(1, 1, fd2), pref: 1, handle: 1, prog: id2},
		{name: "replace creates", do: c.ReplaceFilter, f: on(2, 7, fd2), pref: 2, handle: 7, prog: id2},
		{name: "change", do: c.ChangeFilter, f: on(2, 7, fd), pref: 2, handle: 7, prog: id},
		{
			name: "change of nothing", do: c.ChangeFilter, f: on(77, 1, fd), is: os.ErrNotExist, errno: syscall.ENOENT,
			message: "Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter",
		},
		{name: "get", do: c.Filter, f: on(2, 7, -1), pref: 2, handle: 7, prog: id},
		{
			name: "get nothing", do: c.Filter, f: on(2, 8, -1), is: os.ErrNotExist, errno: syscall.ENOENT,
			message: "Specified filter handle not found",
		},
		{
			name: "another protocol", do: c.ReplaceFilter,
			f:     &Filter{Ifindex: va.Index, Parent: Ingress, Pref: 1, Handle: 1, Protocol: unix.ETH_P_IP, Kind: "bpf", BPF: bpf(fd)},
			errno: syscall.EINVAL, message: "Protocol mismatch for filter with specified priority|Filter with specified priority/protocol not found",
		},
	}
	for _, s := range steps {
		got, err := s.do(s.f)
		checkError(t, s.name, err, s.is, s.errno, s.message)
		if err != nil || got == nil {
			continue
		}
		want := on(s.pref, s.handle, 0)
		want.BPF.ProgramID, want.BPF.NotInHW = s.prog, true
		if want.BPF.Tag = got.BPF.Tag; len(got.BPF.Tag) != 8 {
			t.Errorf("%s: tag %x", s.name, got.BPF.Tag)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", s.name, diff)
		}
		compareWithTC(t, s.name, c, va.Index, Ingress)
	}
}

func TestDeleteFilterKernel(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	add := func(chain uint32, pref uint16) {
		t.Helper()
		f := &Filter{
			Ifindex: va.Index, Parent: Egress, Chain: chain, Pref: pref, Protocol: ProtocolAll, Kind: "bpf",
			BPF: &BPFFilter{Bytecode: []Instruction{{Code: 6, K: 1}}},
		}
		if _, err := c.AddFilter(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, pref := range []uint16{1, 1, 2, 3} {
		add(0, pref)
	}
	add(5, 9)
	compareWithTC(t, "added", c, va.Index, Egress)

	q := FilterQuery{Ifindex: va.Index, Parent: Egress}
	on := func(chain uint32, pref uint16, handle uint32, kind string) *Filter {
		return &Filter{Ifindex: va.Index, Parent: Egress, Chain: chain, Pref: pref, Handle: handle, Kind: kind}
	}
	for _, s := range []struct {
		name string
		f    *Filter
		is   error
		left int
	}{
		{"a handle that is not there", on(0, 1, 9, "bpf"), os.ErrNotExist, 5},
		{"a pref that is not there", on(0, 7, 0, ""), os.ErrNotExist, 5},
		{"a handle", on(0, 1, 2, "bpf"), nil, 4},
		{"a pref", on(0, 2, 0, ""), nil, 3},
		{"chain 0", on(0, 0, 0, ""), nil, 1},
		{"chain 0 again", on(0, 0, 0, ""), nil, 1},
		{"chain 5", on(5, 0, 0, ""), nil, 0},
	} {
		if err := c.DeleteFilter(s.f); !errors.Is(err, s.is) {
			t.Errorf("%s: %v, want %v", s.name, err, s.is)
		}
		if got := filters(t, c, q); len(got) != s.left {
			t.Errorf("%s: %d filters are left, want %d", s.name, len(got), s.left)
		}
	}
}

func TestFilterErrorsKernel(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	fd, _ := program(t, ebpf.SchedCLS, 0)
	f := &Filter{Ifindex: va.Index, Parent: Ingress, Protocol: ProtocolAll, Kind: "bpf", BPF: &BPFFilter{FD: fd}}

	_, err := c.AddFilter(f)
	checkError(t, "no qdisc", err, nil, syscall.EINVAL, "Parent Qdisc doesn't exists")
	if got := filters(t, c, FilterQuery{Ifindex: va.Index, Parent: Ingress}); got != nil {
		t.Errorf("no qdisc: got %v", got)
	}
	if err := c.AddQdisc(Clsact(va.Index)); err != nil {
		t.Fatal(err)
	}
	skip := *f
	skip.BPF = &BPFFilter{FD: fd, SkipSW: true}
	if _, err := c.AddFilter(&skip); err == nil {
		t.Error("skip_sw on a veth was accepted")
	}
	gact := *f
	gact.BPF = &BPFFilter{FD: fd, Actions: []*Action{{Kind: "nosuch"}}}
	if _, err := c.AddFilter(&gact); err == nil || !strings.Contains(err.Error(), `"nosuch"`) {
		t.Errorf("unknown action: %v", err)
	}
	for _, q := range []FilterQuery{{Block: 9}, {Ifindex: 4711, Parent: Ingress}} {
		for f, err := range c.Filters(q) {
			t.Errorf("%+v: got %+v, %v", q, f, err)
		}
	}
}

func TestBytecodeKernel(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	program := make([]Instruction, MaxInstructions)
	for i := range program {
		program[i] = Instruction{Code: 0x00, K: uint32(i)} // ld #i
	}
	program[len(program)-1] = Instruction{Code: 0x06, K: 1} // ret #1
	f := &Filter{
		Ifindex: va.Index, Parent: Ingress, Protocol: ProtocolAll, Pref: 3, Handle: 1, Kind: "bpf",
		BPF: &BPFFilter{Bytecode: program, ClassID: MakeHandle(1, 1)},
	}
	got, err := c.AddFilter(f)
	if err != nil {
		t.Fatal(err)
	}
	f.BPF.NotInHW = true
	if diff := cmp.Diff(f, got); diff != "" {
		t.Errorf("echo: -want +got:\n%s", diff)
	}
	_, err = c.AddFilter(f)
	checkError(t, "again", err, os.ErrExist, syscall.EEXIST, "Filter already exists")
	t.Run("answers", func(t *testing.T) {
		got, err := c.Filter(f)
		need.Of(t, need.Feature{Name: "room for long filters in the kernel's answers", Since: "6.15", Probe: func() error { return err }})
		if diff := cmp.Diff(f, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if err := c.DeleteFilter(f); err != nil {
			t.Error(err)
		}
	})

	f.BPF.Bytecode = append(program, Instruction{})
	if _, err = c.ReplaceFilter(f); err == nil || !strings.Contains(err.Error(), "4097") {
		t.Errorf("4097 instructions: %v", err)
	}
	f.BPF.Bytecode = []Instruction{{Code: 0x00}} // does not return
	_, err = c.ReplaceFilter(f)
	checkError(t, "invalid program", err, nil, syscall.EINVAL, "")
}

func TestMirredKernel(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	lo := linkT(t, c, "lo")
	f := &Filter{
		Ifindex: va.Index, Parent: Ingress, Protocol: unix.ETH_P_IPV6, Kind: "bpf",
		BPF: &BPFFilter{
			Bytecode: []Instruction{{Code: 6, K: 1<<32 - 1}},
			Actions: []*Action{
				{Kind: "mirred", Verdict: VerdictPipe, Mirred: &Mirred{Ifindex: lo.Index, Mirror: true}},
				{Kind: "mirred", Verdict: VerdictStolen, Mirred: &Mirred{Ifindex: lo.Index, Ingress: true}, Cookie: []byte{1, 2}},
			},
		},
	}
	got, err := c.AddFilter(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.BPF.Actions) != 2 {
		t.Fatalf("got %d actions", len(got.BPF.Actions))
	}
	for i, a := range got.BPF.Actions {
		if a.Index == 0 || a.Refs != 1 || a.Binds != 1 || a.Stats == nil || a.Times == nil {
			t.Errorf("action %d: got %+v", i, a)
		}
		a.Index, a.Refs, a.Binds, a.Stats, a.Times, a.InHWCount = 0, 0, 0, nil, nil, nil
	}
	if diff := cmp.Diff(f.BPF.Actions, got.BPF.Actions); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	compareWithTC(t, "with actions", c, va.Index, Ingress)
}

func TestSharedBlockKernel(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	q := Clsact(va.Index)
	q.IngressBlock, q.EgressBlock = 7, 8
	if err := c.AddQdisc(q); err != nil {
		t.Fatal(err)
	}
	f := &Filter{Block: 7, Protocol: ProtocolAll, Kind: "bpf", BPF: &BPFFilter{Bytecode: []Instruction{{Code: 6}}}}
	got, err := c.AddFilter(f)
	if err != nil {
		t.Fatal(err)
	}
	if got.Block != 7 || got.Ifindex != 0 || got.Pref != 49152 {
		t.Errorf("got %+v", got)
	}
	for _, q := range []FilterQuery{{Block: 7}, {Ifindex: va.Index, Parent: Ingress}} {
		if all := filters(t, c, q); len(all) != 1 || all[0].Block != 7 {
			t.Errorf("%+v: got %+v", q, all)
		}
	}
	f.Block, f.Ifindex, f.Parent = 0, va.Index, Ingress
	_, err = c.AddFilter(f)
	checkError(t, "through the device", err, nil, syscall.EOPNOTSUPP, "This filter block is shared. Please use the block index to manipulate the filters")
	f.Block = 9
	_, err = c.AddFilter(f)
	checkError(t, "no such block", err, nil, syscall.EINVAL, "Block of given index was not found")
}

func TestManyAddFiltersAtOnce(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	ns := ownNetNS(t)
	const n = 10
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			errs[i] = addOne(int(ns.Fd()), va.Index)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	places := map[string]bool{}
	for _, f := range filters(t, c, FilterQuery{Ifindex: va.Index, Parent: Ingress}) {
		places[fmt.Sprint(f.Pref, f.Handle)] = true
	}
	if len(places) != n {
		t.Errorf("%d filters in places of their own, want %d", len(places), n)
	}
}

func addOne(netns, ifindex int) error {
	c, err := Dial(&Config{NetNS: netns})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.AddFilter(&Filter{
		Ifindex: ifindex, Parent: Ingress, Protocol: ProtocolAll, Kind: "bpf",
		BPF: &BPFFilter{Bytecode: []Instruction{{Code: 6, K: 1}}},
	})
	return err
}

// TestFilterRoundTrip: what tc sends is decoded and encoded to the same.
func TestFilterRoundTrip(t *testing.T) {
	for command, r := range readTC(t) {
		if r.typ != unix.RTM_NEWTFILTER {
			continue
		}
		t.Run(command, func(t *testing.T) {
			var f Filter
			if err := f.decode(r.b); err != nil {
				t.Fatal(err)
			}
			if f.BPF.Bytecode == nil {
				f.BPF.FD = 4 // a reply has none, so it is not decoded
			}
			again := filterRequest("", r.typ, r.flags, &f)
			if again.err != nil {
				t.Fatal(again.err)
			}
			forgiveMicroseconds(r.b, again.b)
			if diff := cmp.Diff(describe(r), describe(again)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func FuzzFilter(f *testing.F) {
	for _, r := range tcRequests() {
		f.Add(r.b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, decode := range []func([]byte) error{
			new(Filter).decode, new(Qdisc).decode, new(Chain).decode,
			func(b []byte) error { return decodeActionMessage(new([]*Action), b) },
		} {
			if decode(b) == nil && len(b) < sizeofTcamsg {
				t.Errorf("decoded %x", b)
			}
		}
		roundTrip(t, b)
	})
}

// roundTrip: what a filter encodes to is decoded to the same filter.
func roundTrip(t *testing.T, b []byte) {
	var f, again Filter
	if f.decode(b) != nil || f.Head {
		return
	}
	r := filterRequest("", unix.RTM_NEWTFILTER, netlink.Create, &f)
	if r.err != nil || f.BPF == nil {
		return
	}
	if err := again.decode(r.b); err != nil {
		t.Fatalf("%+v: %v", f.BPF, err)
	}
	if again.Ifindex != f.Ifindex || again.BPF.Direct != f.BPF.Direct || again.BPF.ClassID != f.BPF.ClassID ||
		len(again.BPF.Actions) != len(f.BPF.Actions) || !cmp.Equal(again.BPF.Bytecode, f.BPF.Bytecode) {
		t.Errorf("%+v became %+v", f, again)
	}
}
