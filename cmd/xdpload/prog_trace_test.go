package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestProgTraceStreams: what a program writes to its streams is printed once, with the
// stream.
func TestProgTraceStreams(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	ns.Veth("s0", "s1")
	run := func(words ...string) (string, error) {
		cmd := exec.Command("/proc/self/exe", words...)
		var said bytes.Buffer
		cmd.Env, cmd.Stdout, cmd.Stderr = []string{asProgram + "=1"}, &said, &said
		err := ns.Run(cmd)
		return said.String(), err
	}
	must := func(words ...string) string {
		t.Helper()
		said, err := run(words...)
		if err != nil {
			t.Fatalf("%v: %v: %s", words, err, said)
		}
		return said
	}
	const frame = "000102030405060708090a0b88b50000"
	object := testobj.Path(t, "stream.o")
	bpftest.Need(t, bpftest.Feature{Name: "room for text of programs", Probe: func() error {
		said, err := run("prog", "run", "obj", object, "hex", frame, "expect", "pass")
		if err != nil && !strings.Contains(said, "XDP_ABORTED") {
			t.Fatal(said)
		}
		return err // up to 6.18, and where kmalloc_nolock of mm/slub.c has no cmpxchg16b
	}})
	id := regexp.MustCompile(`id (\d+)`).FindStringSubmatch(must("link", "set", "dev", "s0", "xdp", "obj", object))[1]
	must("prog", "run", "id", id, "hex", frame)
	got := must("prog", "trace", "id", id, "for", "0.2")
	for _, want := range []string{"stdout: a packet of 16 bytes\n", "stderr: an error\n"} {
		if !strings.Contains(got, want) { // beside what the device sends by itself
			t.Errorf("it prints %q, want %q", got, want)
		}
	}
	if got := must("prog", "trace", "id", id, "for", "0.2"); strings.Contains(got, " 16 bytes") {
		t.Errorf("again: %q", got)
	}
	must("prog", "run", "id", id, "hex", frame+"00")
	want := fmt.Sprintf(`{"id":%s,"name":"xdp_stream","stream":"stdout","text":"a packet of 17 bytes"}`+"\n", id)
	if got := must("-json", "prog", "trace", "xdp_stream", "for", "0.2"); !bytes.Contains([]byte(got), []byte(want)) {
		t.Errorf("it prints %s, want %s", got, want)
	}
}
