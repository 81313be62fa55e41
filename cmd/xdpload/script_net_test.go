package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
)

func needFeature(ts *testscript.TestScript, _ bool, args []string) {
	f, ok := map[string]bpftest.Feature{
		"actbpf":     bpftest.ActBPF,
		"bloom":      bpftest.BloomFilter,
		"bound":      bpftest.DeviceBound,
		"actgact":    bpftest.ActGact,
		"actpolice":  bpftest.ActPolice,
		"frags":      bpftest.Frags,
		"guest":      bpftest.Guest,
		"htb":        bpftest.HTB,
		"tcx":        bpftest.TCX,
		"netkit":     bpftest.Netkit,
		"no-tcx":     bpftest.Absent(bpftest.TCX),
		"user-reads": bpftest.UserReads,
		"xdp-md":     bpftest.ContextOfXDP,

		"no-user-reads": bpftest.Absent(bpftest.UserReads),
	}[args[0]]
	if !ok {
		ts.Fatalf("no feature %s", args[0])
	}
	bpftest.Need(of(ts).t, f)
}

// holdUnpinned has the test itself be the holder.
func holdUnpinned(ts *testscript.TestScript, _ bool, args []string) {
	c := dial(ts)
	defer c.Close()
	dev, err := c.Link(args[0])
	ts.Check(err)
	p := newTestProgram(ts, ebpf.XDP)
	ts.Defer(func() { p.Close() })
	l, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: dev.Index})
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	info, err := l.Info()
	ts.Check(err)
	ts.Setenv("LINK", fmt.Sprint(info.ID))
	ts.Setenv("HOLDER", fmt.Sprint(os.Getpid()))
}

// checkGone waits: a bpf_link goes late.
func checkGone(ts *testscript.TestScript, _ bool, args []string) {
	c := dial(ts)
	defer c.Close()
	dev, err := c.Link(args[0])
	ts.Check(err)
	for deadline := time.Now().Add(bpftest.Patience); ; time.Sleep(5 * time.Millisecond) {
		left := ""
		for a, err := range attach.Attachments(c, dev.Index) {
			ts.Check(err)
			if a.Multi != nil {
				left = a.Hook()
			}
		}
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s still has a program on %s", args[0], left)
		}
	}
}

func sendFrames(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	c := dial(ts)
	defer c.Close()
	dev, err := c.Link(args[0])
	ts.Check(err)
	ts.Check(of(ts).ns.Tap(dev.Index).SendAll(n))
}

// checkCounted waits: a map of CPUs hands frames to threads of the kernel.
func checkCounted(ts *testscript.TestScript, _ bool, args []string) {
	key, err := strconv.ParseUint(args[1], 10, 32)
	ts.Check(err)
	want, err := strconv.ParseUint(args[2], 10, 64)
	ts.Check(err)
	m, err := ebpf.LoadPinnedMap(args[0], nil)
	ts.Check(err)
	defer m.Close()
	for deadline := time.Now().Add(bpftest.Patience); ; time.Sleep(5 * time.Millisecond) {
		var got uint64
		ts.Check(m.Lookup(uint32(key), &got))
		if got == want {
			return
		}
		if got > want || time.Now().After(deadline) {
			ts.Fatalf("%s: element %d is %d, not %d", args[0], key, got, want)
		}
	}
}
