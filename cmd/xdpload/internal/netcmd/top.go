package netcmd

import (
	"context"
	"io"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// topRequest is what to count, and how to tell of it.
type topRequest struct {
	scope
	Interval time.Duration
	Count    int                     // 0 for ever
	Key      func(r *topRow) float64 // by which rows are sorted, the largest first; nil for none
}

// Top is the command net top, which tells again and again what programs cost.
func Top() env.Command {
	return env.Command{
		Name:    "net top",
		Options: "all-netns",
		Summary: "show how often programs run and how long, again and again",
		Description: `Has the kernel count the runs of programs, and prints after each interval a table: every program on a hook of the devices, how often it ran in a second, how many nanoseconds a run took, the share of one processor that all runs took, and how many packets the device received and sent in a second. On a terminal each table takes the place of the one before, as far as it fits; elsewhere they follow each other, and with -json each is a line. It ends after count of them, or with ^C.

The kernel counts for a program, not for a hook: "x3" after its name says that it is on three hooks, and that the numbers are those of all three together. What it goes on to by a tail call is counted as its own time. A program shows up with the second reading that finds it; programs and devices that go away leave the table, and ones that come join it.

It takes CAP_SYS_ADMIN. The kernel stops counting when the command ends; no sysctl is touched.`,
		Examples: []grammar.Example{
			{Line: "xdpload net top", Help: "every second, on a terminal"},
			{Line: "xdpload net top dev eth0 sort time interval 5", Help: "of one device, those with the longest runs first"},
			{Line: "xdpload -json net top count 1 | jq '.programs[] | select(.prog.stats.cpu_percent > 5)'", Help: "what costs most, for a script"},
		},
		New: env.New(func(r *topRequest) *grammar.Node {
			r.Interval, r.Key = time.Second, byCPU
			return grammar.Any(
				r.deviceGrammar(), r.allGrammar(),
				grammar.Key("interval", "S", grammar.Seconds(&r.Interval)).Exact().Help("a table after each S seconds, which may be a fraction; the default is 1"),
				grammar.Key("count", "N", grammar.Number(&r.Count, 1, math.MaxInt32)).Exact().Help("end after N tables"),
				r.sortGrammar(),
			)
		}),
	}
}

func byCPU(r *topRow) float64 { return r.Program.Stats.CPU }

func (r *topRequest) sortGrammar() *grammar.Node {
	by := func(word, help string, key func(*topRow) float64) *grammar.Node {
		return grammar.Const(word, &r.Key, key).Help(help)
	}
	return grammar.Word("sort", grammar.Alt(
		by("cpu", "by the share of a processor, which is the default", byCPU),
		by("runs", "by runs in a second", func(r *topRow) float64 { return r.Program.Stats.RunRates.Runs }),
		by("time", "by nanoseconds a run", func(r *topRow) float64 { return r.Program.Stats.PerRun }),
		by("packets", "by packets of the device in a second", func(r *topRow) float64 { return r.Received + r.Sent }),
		by("device", "as a packet meets them, device by device", nil),
	)).Exact().Help("which come first")
}

// Run ends with nil on ^C: that is how one leaves it.
func (r *topRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	stop, err := subject.StartCounting()
	if err != nil {
		return nil, err
	}
	defer stop()
	before, err := r.read(e)
	if err != nil {
		return nil, err
	}
	r.mayBeGone = true
	show := shower(e)
	tick := time.NewTicker(r.Interval)
	defer tick.Stop()
	for n := 0; r.Count == 0 || n < r.Count; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, nil
		}
		now, err := r.read(e)
		if err == nil {
			err = show(newTopReport(before, now, r.Key))
		}
		if err != nil {
			return nil, err
		}
		before = now
	}
	return nil, nil
}

// shower is how tables are told: on a terminal each in the place of the one before,
// elsewhere with an empty line between them.
func shower(e *env.Env) func(*topReport) error {
	if e.Terminal && !e.JSON {
		screen := render.Screen{W: e.Stdout, Size: func() (columns, lines int) {
			columns, lines, _ = env.Terminal(e.Stdout)
			return columns, lines
		}}
		return func(t *topReport) error { return screen.Show(t, e.Options) }
	}
	separator := ""
	return func(t *topReport) error {
		if _, err := io.WriteString(e.Stdout, separator); err != nil {
			return err
		}
		if !e.JSON {
			separator = "\n"
		}
		return render.Write(e.Stdout, t, e.Options)
	}
}
