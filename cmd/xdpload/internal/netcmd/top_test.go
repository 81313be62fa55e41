package netcmd

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// twoReadings are two seconds apart: program 1 is on two devices, 3 is new.
func twoReadings() (before, now *reading) {
	a, b := place{Ifindex: 2, Name: "a"}, place{Netns: "n\"\\", Inode: 7, Ifindex: 2, Name: "b\n\xff"}
	at := func(at time.Time, n uint64) *reading {
		program := func(id uint32, name string, runs uint64, each time.Duration) prog.Info {
			return prog.Info{ID: id, Name: name, Tag: "0011223344556677", Type: 6, Stats: prog.Stats{Runs: runs, Time: time.Duration(runs) * each}}
		}
		return &reading{
			at: at, running: []running{{a, "xdpdrv", 1}, {a, "tcx/ingress", 2}, {b, "xdpdrv", 1}},
			programs: map[uint32]prog.Info{1: program(1, "often", 1e6*n, 50), 2: program(2, "", 1000*n, 4000)},
			devices:  map[place]netlink.LinkStats{a: {RxPackets: 10 * n, TxPackets: 1000}, b: {RxPackets: 30 * n}},
		}
	}
	start := time.Unix(1e9, 0)
	before, now = at(start, 1), at(start.Add(2*time.Second), 3)
	now.programs[3] = prog.Info{ID: 3, Tag: "0011223344556677"}
	now.running = append(now.running, running{a, "tcx/egress", 3})
	return before, now
}

func TestTopReport(t *testing.T) {
	before, now := twoReadings()
	r := newTopReport(before, now, byCPU)
	var b bytes.Buffer
	if err := render.Write(&b, r, render.Options{}); err != nil {
		t.Fatal(err)
	}
	want := `2 programs on 2 devices, in 2.00 s: 1001000 runs/s, 5.40% of a processor
DEVICE         HOOK         ID  PROGRAM   RUNS/S  NS/RUN  CPU%  RX/S  TX/S
a              xdpdrv        1  often x2  1000000    50.0  5.00  10.0     0
n"\ b \xff     xdpdrv        1  often x2  1000000    50.0  5.00  30.0     0
a              tcx/ingress   2  -            1000    4000  0.40  10.0     0
`
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(b.String())); diff != "" {
		t.Errorf("%s\n%s", diff, b.String())
	}
}

// TestTopSort: the largest are first.
func TestTopSort(t *testing.T) {
	for word, want := range map[string]string{
		"cpu": "a/xdpdrv b/xdpdrv a/tcx", "runs": "a/xdpdrv b/xdpdrv a/tcx", "time": "a/tcx a/xdpdrv b/xdpdrv",
		"packets": "b/xdpdrv a/xdpdrv a/tcx", "device": "a/xdpdrv a/tcx b/xdpdrv",
	} {
		node, request := Top().New()
		if err := grammar.Parse(node, []string{"sort", word}, nil); err != nil {
			t.Fatal(err)
		}
		before, now := twoReadings()
		var got []string
		for _, row := range newTopReport(before, now, request.(*topRequest).Key).Rows {
			hook, _, _ := strings.Cut(row.Hook, "/")
			got = append(got, row.Name[:1]+"/"+hook)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("sort %s: %s, want %s", word, s, want)
		}
	}
}

// TestOpenMetrics holds what is written to the rules of the format: a family's comments
// come before its samples, with no other between them; counters end in _total, units are the end
// of names; values are quoted, and there is an end.
func TestOpenMetrics(t *testing.T) {
	_, now := twoReadings()
	now.running = append(now.running, now.running[0]) // of two filters
	text, ended := strings.CutSuffix(now.openMetrics(true), "# EOF\n")
	if !ended {
		t.Error("there is no end")
	}
	families, samples := map[string]string{}, map[string]bool{}
	var name, kind string
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 4)
		switch {
		case f[0] == "#" && f[1] == "HELP":
			if name = f[2]; families[name] != "" {
				t.Errorf("%s is there twice", name)
			}
			families[name] = "untyped"
		case f[0] == "#" && f[1] == "TYPE" && f[2] == name:
			kind = f[3]
			families[name] = kind
		case f[0] == "#" && f[1] == "UNIT" && f[2] == name && strings.HasSuffix(name, "_"+f[3]):
		default:
			want := name
			if kind == "counter" {
				want += "_total"
			}
			metric, _, _ := strings.Cut(line, " ")
			metric, _, _ = strings.Cut(metric, "{")
			series := line[:strings.LastIndex(line, " ")]
			if metric != want || samples[series] {
				t.Errorf("in the family %s: %s", name, line)
			}
			samples[series] = true
		}
	}
	for _, sample := range []string{
		`xdpload_bpf_counting 1`,
		`xdpload_bpf_program_runs_total{id="1",name="often",tag="0011223344556677",type="xdp"} 3000000`,
		`xdpload_bpf_program_run_time_seconds_total{id="2",name="",tag="0011223344556677",type="xdp"} 0.012000000`,
		`xdpload_bpf_hook_info{device="a",hook="tcx/ingress",id="2"} 1`,
		`xdpload_bpf_hook_info{netns="n\"\\",device="b\\n\\xff",hook="xdpdrv",id="1"} 1`,
		`xdpload_bpf_device_receive_packets_total{device="a"} 30`,
		`xdpload_bpf_device_transmit_packets_total{device="a"} 1000`,
	} {
		if !strings.Contains(text, "\n"+sample+"\n") {
			t.Errorf("no %s", sample)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
