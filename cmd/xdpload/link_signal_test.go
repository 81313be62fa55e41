package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/netlink"
)

// TestAtomicSignal: wherever a signal hits, with -atomic either every device
// has the new program or every device has what it had, half of them a program.
func TestAtomicSignal(t *testing.T) {
	const devices = 400
	ns := bpftest.NewNamespace(t)
	c := ns.Conn()
	for i := 0; i < devices; i += 2 {
		ns.AddVeth(fmt.Sprint("f", i), fmt.Sprint("f", i+1))
	}
	var said bytes.Buffer
	program := func(words ...string) *exec.Cmd {
		cmd := exec.Command("/proc/self/exe", words...)
		cmd.Env = []string{asProgram + "=1"}
		said.Reset()
		cmd.Stderr = &said
		return cmd
	}
	run := func(words ...string) {
		t.Helper()
		if err := ns.Run(program(words...)); err != nil {
			t.Fatalf("%v: %s", err, said.String())
		}
	}
	drop, pass := testobj.Path(t, "drop.o"), testobj.Path(t, "tiny.o")
	attach := []string{"-atomic", "-force", "link", "set", "f*", "xdp", "obj", pass}
	start := time.Now()
	run(attach...)
	whole := time.Since(start)
	undone := 0
	for range bpftest.Rounds(30) {
		run("link", "set", "f*", "xdp", "off")
		run("link", "set", "f*[02468]", "xdp", "obj", drop)
		before := programsOf(t, c)
		cmd := program(attach...)
		if err := netns.Do(ns.Name, cmd.Start); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(whole))
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended, or not begun to listen
		err := cmd.Wait()
		after := programsOf(t, c)
		switch {
		case err == nil:
			if len(after) != 1 || after[0] != 0 {
				t.Fatalf("it succeeded, and %v run", after)
			}
		case fmt.Sprint(after) != fmt.Sprint(before):
			t.Fatalf("interrupted (%v, %s): programs by devices %v, before %v", err, said.String(), after, before)
		case strings.Contains(said.String(), "interrupted, so nothing was changed"):
			undone++
		}
	}
	t.Logf("%d of the runs were undone", undone)
}

// programsOf counts devices by the program that they run.
func programsOf(t *testing.T, c *netlink.Conn) map[uint32]int {
	t.Helper()
	count := make(map[uint32]int)
	for l, err := range c.Links() {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(l.Name, "f") {
			continue
		}
		id := uint32(0)
		if l.XDP.Attached() {
			id = l.XDP.Programs[0].ID
		}
		count[id]++
	}
	return count
}
