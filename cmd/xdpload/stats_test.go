package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// counted is a namespace with an XDP program on v0, a filter behind it, and the way to send
// to them. Their ids are those of bpftool's list.
func counted(t *testing.T) (ns *bpftest.Namespace, tap *bpftest.Tap, ids []uint32) {
	t.Helper()
	bpftest.Need(t, bpftest.Root)
	ns = bpftest.NewNamespace(t)
	ns.Veth("v0", "v1")
	runIn(t, ns, "xdpload", "link", "set", "v0", "xdp", "obj", testobj.Path(t, "tiny.o"))
	runIn(t, ns, "xdpload", "tc", "filter", "add", "dev", "v0", "ingress", "bpf", "da", "obj", testobj.Path(t, "tc.o"), "section", "classifier")
	for _, d := range decode(t, runIn(t, ns, "xdpload", "-json", "net", "show", "v0")).([]any)[0].(map[string]any)["attached"].([]any) {
		ids = append(ids, uint32(at(d, "prog", "id").(float64)))
	}
	ns.Netlink(func(c *netlink.Conn) error {
		l, err := c.Link("v1")
		if err == nil {
			tap = ns.Tap(l.Index)
		}
		return err
	})
	return ns, tap, ids
}

// at is a value within others.
func at(v any, keys ...string) any {
	for _, k := range keys {
		v, _ = v.(map[string]any)[k]
	}
	return v
}

// statsOf finds every program that JSON tells of, and what was counted of it.
func statsOf(v any) map[uint32]map[string]any {
	all := make(map[uint32]map[string]any)
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			maps.Copy(all, statsOf(one))
		}
	case map[string]any:
		if stats, ok := v["stats"].(map[string]any); ok && stats["run_cnt"] != nil {
			all[uint32(v["id"].(float64))] = stats
		}
		for _, one := range v {
			maps.Copy(all, statsOf(one))
		}
	}
	return all
}

// theirStats is what bpftool tells of programs.
func theirStats(t *testing.T, ns *bpftest.Namespace, ids []uint32) map[uint32]map[string]any {
	t.Helper()
	all := make(map[uint32]map[string]any)
	for _, id := range ids {
		theirs := decode(t, output(t, ns, "bpftool", "-j", "prog", "show", "id", strconv.Itoa(int(id))))
		all[id] = map[string]any{"run_cnt": at(theirs, "run_cnt"), "run_time_ns": at(theirs, "run_time_ns")}
	}
	return all
}

// TestStatistics: every command that shows programs counts their runs as bpftool does, to
// the digit.
func TestStatistics(t *testing.T) {
	const n = 500
	bpftest.Need(t, bpftest.Command("bpftool"))
	ns, tap, ids := counted(t)
	stop, err := prog.EnableStats()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop.Close() })
	if err := tap.SendAll(n); err != nil {
		t.Fatal(err)
	}
	output(t, ns, "ip", "link", "set", "v1", "down") // IPv6 talks on its own
	for words, of := range map[string][]uint32{
		"net show v0":                   ids,
		"link show v0":                  ids[:1],
		"tc filter show dev v0 ingress": ids[1:],
		"tc filter get dev v0 ingress protocol all pref 49152 handle 1 bpf": ids[1:],
		fmt.Sprintf("prog show id %d", ids[0]):                              ids[:1],
	} {
		t.Run(words, func(t *testing.T) {
			want := theirStats(t, ns, of)
			for id, s := range want {
				runs, time := s["run_cnt"].(float64), s["run_time_ns"].(float64)
				if s["ns_per_run"] = math.Round(time/runs*1000) / 1000; runs < n {
					t.Errorf("bpftool tells of %v runs of %d, want %d at least", runs, id, n)
				}
			}
			line := append([]string{"xdpload", "-json", "-statistics"}, strings.Fields(words)...)
			if diff := cmp.Diff(want, statsOf(decode(t, runIn(t, ns, line...)))); diff != "" {
				t.Error(diff)
			}
		})
	}
	for words, programs := range map[string]int{"net show v0": 2, "link show v0": 1, "tc filter show dev v0 ingress": 1, fmt.Sprintf("prog show id %d", ids[0]): 1} {
		out := runIn(t, ns, append([]string{"xdpload", "-brief", "-statistics"}, strings.Fields(words)...)...)
		if strings.Count(out, " run_cnt ") != programs || strings.Count(out, "\n") != 1 {
			t.Errorf("-brief %s: %s", words, out)
		}
	}
	if out := runIn(t, ns, "ip", "-s", "-json", "link", "show", "v0"); len(statsOf(decode(t, out))) > 0 {
		t.Errorf("ip tells of runs: %s", out)
	}
}

// TestStatisticsInterval: for the time of an interval the kernel counts, and the rates are
// those of that time.
func TestStatisticsInterval(t *testing.T) {
	bpftest.Need(t, bpftest.Command("bpftool"))
	ns, tap, ids := counted(t)
	traffic := tap.Start()
	for _, words := range []string{
		"net show v0 interval 0.2", "link show interval 0.2 v0", "tc filter show interval 0.2 dev v0 ingress", fmt.Sprintf("prog show interval 0.2 id %d", ids[1]),
	} {
		line := append([]string{"xdpload", "-json"}, strings.Fields(words)...)
		idle := func(s map[string]any) bool { return s["runs_per_second"] == 0.0 } // the sender was not let run
		shown := statsOf(decode(t, runIn(t, ns, line...)))
		for deadline := time.Now().Add(bpftest.Patience); slices.ContainsFunc(slices.Collect(maps.Values(shown)), idle) && time.Now().Before(deadline); {
			shown = statsOf(decode(t, runIn(t, ns, line...)))
		}
		if len(shown) == 0 {
			t.Errorf("%s shows no program", words)
		}
		for id, s := range shown {
			rate, share, each := s["runs_per_second"].(float64), s["cpu_percent"].(float64), s["ns_per_run"].(float64)
			if s["run_cnt"].(float64) < rate/10 || rate <= 0 || math.Abs(rate*each/1e7-share) > 0.01 {
				t.Errorf("%s, with traffic: program %d: %v", words, id, s)
			}
		}
	}
	traffic.Stop()
	output(t, ns, "ip", "link", "set", "v1", "down")
	shown, want := statsOf(decode(t, runIn(t, ns, "xdpload", "-json", "net", "show", "v0", "interval", "0.01"))), theirStats(t, ns, ids)
	for _, s := range want {
		s["ns_per_run"], s["runs_per_second"], s["cpu_percent"] = 0.0, 0.0, 0.0
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
}
