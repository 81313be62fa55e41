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
	parallelFilters(t, "add", parallelProcesses)
}

// TestParallelReplaces has them replace the filter with the name of theirs, which
// none of them finds there.
func TestParallelReplaces(t *testing.T) {
	parallelFilters(t, "replace", 1)
}

const parallelProcesses = 10

// parallelFilters wants so many filters of ten processes.
func parallelFilters(t *testing.T, verb string, want int) {
	t.Helper()
	bpftest.Need(t, bpftest.Root, bpftest.Command("tc"))
	dir := parityDir(t)
	for _, words := range [][]string{
		{"-json", "tc", "filter", verb, "dev", "v0", "ingress", "bpf", "da", "obj", "tc.o"},
		{"-json", "tc", "filter", verb, "dev", "v0", "egress", "pref", "7", "bpf", "da", "obj", "tc.o"},
	} {
		ns := bpftest.NewNamespace(t)
		ns.Veth("v0", "v1")
		var all sync.WaitGroup
		outs := make([]bytes.Buffer, parallelProcesses)
		errs := make([]error, parallelProcesses)
		for i := range parallelProcesses {
			all.Go(func() {
				cmd := exec.Command(filepath.Join(dir, "xdpload"), words...)
				cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, []string{asProgram + "=1"}, &outs[i], &outs[i]
				errs[i] = ns.Run(cmd)
			})
		}
		all.Wait()
		places, created := map[[2]any]bool{}, 0
		for i := range parallelProcesses {
			var made []struct {
				Pref         int
				Handle       string
				QdiscCreated bool `json:"qdisc_created"`
			}
			if errs[i] != nil || json.Unmarshal(outs[i].Bytes(), &made) != nil || len(made) != 1 {
				t.Errorf("%v: %v: %s", words, errs[i], &outs[i])
				continue
			}
			c := made[0]
			places[[2]any{c.Pref, c.Handle}] = true
			if c.QdiscCreated {
				created++
			}
		}
		if len(places) != want || created != 1 {
			t.Errorf("%v: places %v, the qdisc was created %d times", words, places, created)
		}
		if shown := tcFilters(t, ns, words[6]); shown != want {
			t.Errorf("%v: tc shows %d filters", words, shown)
		}
	}
}

// tcFilters counts the filters on a hook of v0.
func tcFilters(t *testing.T, ns *bpftest.Namespace, hook string) (filters int) {
	t.Helper()
	out := new(bytes.Buffer)
	cmd := exec.Command("tc", "-j", "filter", "show", "dev", "v0", hook)
	cmd.Stdout = out
	if err := ns.Run(cmd); err != nil {
		t.Fatal(err)
	}
	var shown []struct{ Options *struct{ Handle string } }
	if err := json.Unmarshal(out.Bytes(), &shown); err != nil {
		t.Fatal(err)
	}
	for _, f := range shown {
		if f.Options != nil {
			filters++
		}
	}
	return filters
}
