package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func exampleReport() *report {
	c := testCase{
		name: "attach", about: "attach it",
		goals: []goal{
			{wall, "ip", 0.7},
			{memory, "ip", 2},
			{memory, "", 5 * megabyte},
			{wall, "absent", 1},
		},
	}
	able := []contestant{command("xdpload link"), command("ip link"), command("floor attach")}
	r := newResult(c, able, [][]sample{
		{{wall: .001, cpu: .001, memory: 4 * megabyte, faults: 200}, {wall: .003, cpu: .002, memory: 6 * megabyte, faults: 202}},
		{{wall: .002, cpu: .002, memory: 2 * megabyte, faults: 100}, {wall: .006, cpu: .004, memory: 4 * megabyte, faults: 100}},
		{{wall: .0009, cpu: .001, memory: megabyte, faults: 25}, {wall: .0011, cpu: .00125, memory: megabyte, faults: 25}},
	})
	r.Contestants[0].Calls = &calls{BPF: 4, Netlink: 5, All: 90}
	return &report{
		Kernel: "6.18.0", CPUs: 2, Go: "go1.26", Cases: []result{r},
		LeftOut: []string{"tc: not installed"},
	}
}

func TestText(t *testing.T) {
	const want = `Linux 6.18.0, 2 CPUs, go1.26

attach: attach it (2 rounds)
         wall ms  (min-max)    cpu ms   MB  faults  bpf  netlink  calls  wall x  cpu x  own x  MB x
xdpload     2.00  (1.00-3.00)    1.50  5.0     201    4        5     90
ip          4.00  (2.00-6.00)    3.00  3.0     100                         0.50   0.50   0.20  1.75
floor       1.00  (0.90-1.10)    1.13  1.0      25                         1.92   1.30         5.00

goal                         measured
attach  wall <= 0.70 x ip        0.50  met
attach  memory <= 2.00 x ip      1.75  met
attach  memory <= 5.0 MB          5.0  met
left out: tc: not installed
`
	var b bytes.Buffer
	if err := exampleReport().writeText(&b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestGoalMissed(t *testing.T) {
	r := newResult(
		testCase{goals: []goal{{wall, "ip", 0.7}}},
		[]contestant{command("ip"), command("xdpload")},
		[][]sample{{{wall: 1}}, {{wall: 0.8}}},
	)
	want := []goalResult{{Metric: "wall", Peer: "ip", Limit: 0.7, Measured: 0.8}}
	if diff := cmp.Diff(want, r.Goals); diff != "" {
		t.Error(diff)
	}
}

func TestNewReport(t *testing.T) {
	r := newReport(map[string]error{"tc": errors.New("not installed"), "floor": errNoCompiler})
	if diff := cmp.Diff([]string{"floor: no C compiler", "tc: not installed"}, r.LeftOut); diff != "" {
		t.Error(diff)
	}
	if r.Kernel == "" || r.CPUs < 1 || !strings.HasPrefix(r.Go, "go") {
		t.Errorf("the machine is %+v", r)
	}
}
