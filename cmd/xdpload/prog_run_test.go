package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/progcmd"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/pcap"
	"github.com/xdpload/xdpload/internal/testobj"
)

// captureFrames is the script command "capture FILE COUNT [LINK]": frames with
// the numbers from 0 on, one second apart.
func captureFrames(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	link := pcap.Ethernet
	if len(args) > 2 {
		link = pcap.Raw
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	w, err := pcap.NewWriter(f, link)
	ts.Check(err)
	for i := range n {
		ts.Check(w.Write(&pcap.Packet{Time: time.Unix(int64(1_000_000+i), 0), Data: bpftest.Frame(uint32(i))}))
	}
	ts.Check(w.Flush())
}

// The packets of a capture have the verdicts that the same program gives the
// same packets on a veth, one by one.
func TestProgRunLikeVeth(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	n := 10_000
	if bpftest.InGuest() {
		n = 500
	}
	ns := bpftest.NewNamespace(t)
	_, other := ns.Veth("v0", "v1")
	object, capture := testobj.Path(t, "testrun.o"), filepath.Join(t.TempDir(), "in.pcap")
	var frames [][]byte
	for i := range n {
		frames = append(frames, bpftest.Frame(uint32(i)))
	}
	writePackets(t, capture, frames)
	var ran progcmd.CaptureReport
	runJSON(t, ns, &ran, "-json", "-details", "prog", "run", "obj", object, "program", "xdp_sort", "pcap", capture)
	if ran.Packets != n || len(ran.Details) != n || len(ran.Verdicts) != 5 {
		t.Fatalf("%d packets, %d of them told of, %d verdicts", ran.Packets, len(ran.Details), len(ran.Verdicts))
	}

	var attached []struct {
		Maps []struct {
			ID   uint32
			Name string
		}
	}
	runJSON(t, ns, &attached, "-json", "link", "set", "dev", "v0", "xdp", "obj", object, "program", "xdp_sort")
	if len(attached) != 1 || len(attached[0].Maps) != 1 {
		t.Fatalf("attached %v, want one with one map", attached)
	}
	m, err := ebpf.NewMapFromID(ebpf.MapID(attached[0].Maps[0].ID))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := ns.Tap(other).SendAll(n); err != nil {
		t.Fatal(err)
	}
	for i := range frames {
		var said uint32 // the verdict and one, 0 if the packet has not come
		if err := m.Lookup(uint32(i), &said); err != nil {
			t.Fatal(err)
		}
		if ran.Details[i].Number != i+1 || said != ran.Details[i].Value+1 {
			t.Fatalf("packet %d: %+v in the capture, on the veth %d", i+1, ran.Details[i], int(said)-1)
		}
	}
}

// runJSON runs the program in a network namespace and reads what it prints.
func runJSON(t *testing.T, ns *bpftest.Namespace, out any, args ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Args[0] = "xdpload"
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := ns.Run(cmd); err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		t.Fatalf("%v\n%s", err, stdout.Bytes())
	}
}

func writePackets(t *testing.T, file string, frames [][]byte) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := pcap.NewWriter(f, pcap.Ethernet)
	if err != nil {
		t.Fatal(err)
	}
	for _, frame := range frames {
		if err := w.Write(&pcap.Packet{Data: frame}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestEdits(t *testing.T) {
	for _, tt := range []struct {
		name, before, now string
		want              []progcmd.PacketEdit
	}{
		{name: "same", before: "abcd", now: "abcd", want: []progcmd.PacketEdit{}},
		{name: "two places", before: "abcdef", now: "Xbcdyz", want: []progcmd.PacketEdit{{Offset: 0, Before: "61", Now: "58"}, {Offset: 4, Before: "6566", Now: "797a"}}},
		{name: "longer in the middle", before: "abcd", now: "abXYcd", want: []progcmd.PacketEdit{{Offset: 2, Before: "", Now: "5859"}}},
		{name: "shorter at the head", before: "abcd", now: "cd", want: []progcmd.PacketEdit{{Offset: 0, Before: "6162", Now: ""}}},
		{name: "shorter at the tail", before: "aaaa", now: "aa", want: []progcmd.PacketEdit{{Offset: 2, Before: "6161", Now: ""}}},
		{name: "all else", before: "ab", now: "xyz", want: []progcmd.PacketEdit{{Offset: 0, Before: "6162", Now: "78797a"}}},
		{name: "empty", before: "", now: "x", want: []progcmd.PacketEdit{{Offset: 0, Before: "", Now: "78"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, progcmd.Edits([]byte(tt.before), []byte(tt.now))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
