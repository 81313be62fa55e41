package netcmd

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/prog"
)

// topReport is what happened between two readings.
type topReport struct {
	Time    string    `json:"time"`    // of the later one, RFC 3339
	Seconds float64   `json:"seconds"` // from one to the other
	Rows    []*topRow `json:"programs"`

	programs, devices int // each counted once
	runs, cpu         float64
}

// topRow is a program on a hook.
type topRow struct {
	place
	Hook     string                   `json:"hook"`
	Program  *subject.AttachedProgram `json:"prog"`
	Hooks    int                      `json:"hook_count"` // of those that are looked at, which run the program
	Received float64                  `json:"rx_packets_per_second"`
	Sent     float64                  `json:"tx_packets_per_second"`
}

// newTopReport has a row for everything that runs in both readings.
func newTopReport(before, now *reading, key func(*topRow) float64) *topReport {
	elapsed := now.at.Sub(before.at)
	r := &topReport{Time: now.at.Format(time.RFC3339Nano), Seconds: elapsed.Seconds(), Rows: []*topRow{}}
	reports := make(map[uint32]*subject.AttachedProgram)
	for id, p := range now.programs {
		was, ok := before.programs[id]
		if !ok {
			continue
		}
		lately := p.Stats.Since(was.Stats)
		report := subject.ShowProgram(&p, false)
		report.Stats = subject.NewRunStats(p.Stats, lately, elapsed)
		reports[id] = &report
		r.add(lately, elapsed)
	}
	r.devices = len(now.devices)
	hooks := make(map[uint32]int)
	for _, on := range now.running {
		hooks[on.program]++
	}
	for _, on := range now.running {
		was, known := before.devices[on.place]
		if report := reports[on.program]; report != nil {
			row := &topRow{place: on.place, Hook: on.hook, Program: report, Hooks: hooks[on.program]}
			if is := now.devices[on.place]; known {
				row.Received, row.Sent = rate(was.RxPackets, is.RxPackets, elapsed), rate(was.TxPackets, is.TxPackets, elapsed)
			}
			r.Rows = append(r.Rows, row)
		}
	}
	if key != nil {
		slices.SortStableFunc(r.Rows, func(a, b *topRow) int { return cmp.Compare(key(b), key(a)) })
	}
	return r
}

func (r *topReport) add(lately prog.Stats, elapsed time.Duration) {
	r.programs++
	r.runs += float64(lately.Runs) / elapsed.Seconds()
	r.cpu += 100 * float64(lately.Time) / float64(elapsed)
}

// rate is how much a counter grew in a second.
func rate(before, now uint64, elapsed time.Duration) float64 {
	return float64(now-min(before, now)) / elapsed.Seconds()
}

// WriteText prints a line on all programs, and a table.
func (r *topReport) WriteText(t *render.Text, o render.Options) {
	t.Printf("%s on %s, in %.2f s: %.0f runs/s, %.2f%% of a processor\n",
		subject.Count(r.programs, "program"), subject.Count(r.devices, "device"), r.Seconds, r.runs, r.cpu)
	table := render.Table{Right: []int{2, 4, 5, 6, 7, 8}}
	table.Row("DEVICE", "HOOK", "ID", "PROGRAM", "RUNS/S", "NS/RUN", "CPU%", "RX/S", "TX/S")
	for _, row := range r.Rows {
		s := row.Program.Stats
		table.Row(row.title(), row.Hook, strconv.Itoa(int(row.Program.ID)), row.name(),
			number(s.RunRates.Runs, 1), number(s.PerRun, 1), number(s.CPU, 2), number(row.Received, 1), number(row.Sent, 1))
	}
	table.WriteText(t, o)
}

func (r *topRow) name() string {
	name := cmp.Or(*r.Program.Name, "-")
	if r.Hooks > 1 {
		name += fmt.Sprintf(" x%d", r.Hooks)
	}
	return name
}

// number has a fraction where that can be read.
func number(x float64, digits int) string {
	if x == 0 || x >= 1000 {
		digits = 0
	}
	return strconv.FormatFloat(x, 'f', digits, 64)
}
