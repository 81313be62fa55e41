package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// TestParallelAdds has ten processes add a filter to the same hook at the same
// time, on a device without a clsact qdisc, and to one pref.
func TestParallelAdds(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("tc"))
	const processes = 10
	dir := parityDir(t)
	for _, words := range [][]string{
		{"-json", "tc", "filter", "add", "dev", "v0", "ingress", "bpf", "da", "obj", "tc.o"},
		{"-json", "tc", "filter", "add", "dev", "v0", "egress", "pref", "7", "bpf", "da", "obj", "tc.o"},
	} {
		ns := bpftest.NewNamespace(t)
		ns.Veth("v0", "v1")
		var all sync.WaitGroup
		outs := make([]bytes.Buffer, processes)
		errs := make([]error, processes)
		for i := range processes {
			all.Go(func() {
				cmd := exec.Command(filepath.Join(dir, "xdpload"), words...)
				cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, []string{asProgram + "=1"}, &outs[i], &outs[i]
				errs[i] = ns.Run(cmd)
			})
		}
		all.Wait()
		places, created := map[[2]any]bool{}, 0
		for i := range processes {
			var c struct {
				Pref         int
				Handle       string
				QdiscCreated bool `json:"qdisc_created"`
			}
			if errs[i] != nil || json.Unmarshal(outs[i].Bytes(), &c) != nil {
				t.Errorf("%v: %v: %s", words, errs[i], &outs[i])
				continue
			}
			places[[2]any{c.Pref, c.Handle}] = true
			if c.QdiscCreated {
				created++
			}
		}
		if len(places) != processes || created != 1 {
			t.Errorf("%v: places %v, the qdisc was created %d times", words, places, created)
		}
		var shown []struct{ Options *struct{ Handle string } }
		out := new(bytes.Buffer)
		cmd := exec.Command("tc", "-j", "filter", "show", "dev", "v0", words[6])
		cmd.Stdout = out
		if err := ns.Run(cmd); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out.Bytes(), &shown); err != nil {
			t.Fatal(err)
		}
		filters := 0
		for _, f := range shown {
			if f.Options != nil {
				filters++
			}
		}
		if filters != processes {
			t.Errorf("%v: tc shows %d filters", words, filters)
		}
	}
}
