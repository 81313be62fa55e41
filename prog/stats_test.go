package prog_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/prog"
)

// counting has the kernel count until the test ends.
func counting(t *testing.T) {
	t.Helper()
	stop, err := prog.EnableStats()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop.Close() })
}

// TestStats: every run is counted, to the digit that bpftool shows.
func TestStats(t *testing.T) {
	const runs = 1234
	p := private(t, "xdp_sort").Program()
	counting(t)
	if on, err := prog.Counting(); err != nil || !on {
		t.Errorf("counting: %v, %v", on, err)
	}
	before := p.Stats
	if _, err := p.Run(prog.RunOptions{Data: bpftest.Frame(1), Repeat: runs}); err != nil {
		t.Fatal(err)
	}
	info, err := prog.InfoByID(p.ID)
	if err != nil {
		t.Fatal(err)
	}
	since := info.Stats.Since(before)
	if since.Runs != runs || since.Time <= 0 || since.PerRun() != float64(since.Time)/runs {
		t.Errorf("%d runs were counted as %+v", runs, since)
	}
	bpftest.Need(t, bpftest.Command("bpftool"))
	out, err := exec.Command("bpftool", "-j", "prog", "show", "id", strconv.Itoa(int(p.ID))).Output()
	var theirs struct {
		Runs uint64        `json:"run_cnt"`
		Time time.Duration `json:"run_time_ns"`
	}
	if err == nil {
		err = json.Unmarshal(out, &theirs)
	}
	if err != nil || theirs.Runs != info.Stats.Runs || theirs.Time != info.Stats.Time {
		t.Errorf("%+v, to bpftool %s, %v", info.Stats, out, err)
	}
}

// TestNotCounting: when nobody has the kernel count, it is known. Others may for a while.
func TestNotCounting(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Feature{Name: "kernel.bpf_stats_enabled=0", Probe: func() error {
		value, err := os.ReadFile("/proc/sys/kernel/bpf_stats_enabled")
		if err == nil && strings.TrimSpace(string(value)) != "0" {
			err = fmt.Errorf("it is %s", value)
		}
		return err
	}})
	for deadline := time.Now().Add(bpftest.Patience); ; time.Sleep(10 * time.Millisecond) {
		on, err := prog.Counting()
		switch {
		case err != nil:
			t.Fatal(err)
		case !on:
			return
		case time.Now().After(deadline):
			t.Fatal("the kernel counts all the time")
		}
	}
}

// TestStatsSince: a counter that went back, as those of another program, counts nothing.
func TestStatsSince(t *testing.T) {
	a, b := prog.Stats{Runs: 10, Time: 1000, Misses: 2}, prog.Stats{Runs: 14, Time: 1600, Misses: 3}
	if got, want := b.Since(a), (prog.Stats{Runs: 4, Time: 600, Misses: 1}); got != want || got.PerRun() != 150 {
		t.Errorf("got %+v, %v a run, want %+v", got, got.PerRun(), want)
	}
	if got := a.Since(b); got != (prog.Stats{}) || got.PerRun() != 0 {
		t.Errorf("backwards: %+v, %v a run", got, got.PerRun())
	}
}
