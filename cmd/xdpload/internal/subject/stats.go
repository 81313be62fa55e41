package subject

import (
	"context"
	"math"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/prog"
)

// StatsRequest is how a command that shows programs counts their runs.
type StatsRequest struct {
	Interval time.Duration // 0 shows what was counted up to now
}

// Grammar is the word interval.
func (r *StatsRequest) Grammar() *grammar.Node {
	return grammar.Key("interval", "S", grammar.Seconds(&r.Interval)).Exact().
		Help("have the kernel count for S seconds, which may be a fraction, and print the rates too, as with -statistics")
}

// Counted is what was counted of every program.
type Counted struct {
	before, after map[uint32]prog.Stats // by id; nil without an interval
	elapsed       time.Duration
}

// Count waits for the interval. Without one, it only says if the kernel counts nothing
// now. The result is nil where no statistics are asked for.
func (r *StatsRequest) Count(ctx context.Context, e *env.Env) (*Counted, error) {
	switch {
	case e.Tool.Foreign() || !e.Statistics && r.Interval == 0:
		return nil, nil
	case r.Interval == 0:
		if on, err := prog.Counting(); err == nil && !on {
			e.Warn("the kernel counts no runs now: statistics are of the time when it did; interval S counts for S seconds")
		}
		return new(Counted), nil
	}
	stop, err := StartCounting()
	if err != nil {
		return nil, err
	}
	defer stop()
	c := new(Counted)
	begin := time.Now()
	if c.before, err = readStats(); err != nil {
		return nil, err
	}
	select {
	case <-time.After(r.Interval):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.elapsed = time.Since(begin)
	c.after, err = readStats()
	return c, err
}

// StartCounting has the kernel count runs until stop is called, unless it counts already
// and cannot be asked.
func StartCounting() (stop func(), err error) {
	c, err := prog.EnableStats()
	if err == nil {
		return func() { c.Close() }, nil
	}
	if on, _ := prog.Counting(); on {
		return func() {}, nil
	}
	return nil, err
}

func readStats() (map[uint32]prog.Stats, error) {
	all := make(map[uint32]prog.Stats)
	for p, err := range LoadedPrograms() {
		if err != nil {
			return nil, err
		}
		all[p.ID] = p.Stats
	}
	return all, nil
}

// Of reports on a program, nil if nothing is known of it.
func (c *Counted) Of(p *prog.Info) *RunStats {
	switch {
	case c == nil || p.Tag == "": // which is not to be looked at
		return nil
	case c.elapsed == 0:
		return NewRunStats(p.Stats, p.Stats, 0)
	}
	now, ok := c.after[p.ID]
	if !ok { // it was loaded just now
		return NewRunStats(p.Stats, prog.Stats{}, c.elapsed)
	}
	return NewRunStats(now, now.Since(c.before[p.ID]), c.elapsed)
}

// RunStats is how often and how long a program has run, under bpftool's keys and ours.
type RunStats struct {
	Runs   uint64  `json:"run_cnt" always:"run_cnt %d"`
	Time   int64   `json:"run_time_ns" always:" run_time_ns %d"`
	Misses uint64  `json:"recursion_misses,omitempty" text:" recursion_misses %d"`
	PerRun float64 `json:"ns_per_run" text:" ns_per_run %.1f"` // with an interval, in that
	*RunRates
}

// RunRates is what happened in an interval.
type RunRates struct {
	Runs float64 `json:"runs_per_second" always:" runs_per_second %.1f"`
	CPU  float64 `json:"cpu_percent" always:" cpu %.3f%%"` // of one processor
}

// NewRunStats reports on what was counted in all, and lately, in elapsed; in an elapsed of
// 0 there are no rates.
func NewRunStats(all, lately prog.Stats, elapsed time.Duration) *RunStats {
	r := &RunStats{Runs: all.Runs, Time: int64(all.Time), Misses: all.Misses, PerRun: thousandths(lately.PerRun())}
	if elapsed > 0 {
		r.RunRates = &RunRates{
			Runs: thousandths(float64(lately.Runs) / elapsed.Seconds()),
			CPU:  thousandths(100 * float64(lately.Time) / float64(elapsed)),
		}
	}
	return r
}

func (r *RunStats) String() string { return render.Fields(r) }

// thousandths are as exact as a number of this kind can be.
func thousandths(x float64) float64 { return math.Round(x*1000) / 1000 }
