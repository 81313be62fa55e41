package netcmd

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

// monitorRequest is which devices to watch, and how long.
type monitorRequest struct {
	Device string // "" for all of the network namespace
	Watch  subject.Watch
}

// look is how often the counters are looked at.
const look = 200 * time.Millisecond

// Monitor is the command net monitor, which tells of packets that XDP loses.
func Monitor() env.Command {
	return env.Command{
		Name:    "net monitor",
		Summary: "tell of packets that XDP loses, and why",
		Description: `Prints a line for each way in which XDP loses packets of the devices of the network namespace, or of one device, as soon as it does and as long as it goes on: a program that returns XDP_ABORTED or what is no verdict, a redirect that is refused, a target that does not take what was redirected to it, XDP_TX that fails, and the full queue of a map of CPUs. A line has the program, the verdict or the error number, the target, how many packets were lost since the last line, and what is known to be the cause. It ends with ^C, or after the time that is given, with all counts.

The packets are counted in the kernel, at its tracepoints (see docs/monitor.md), so that no rate is too high, and nothing is changed of programs and devices. What a program drops on purpose, by XDP_DROP, is no loss. Which device a map of CPUs has packets from is not known: it is told of unless a device is named.

It takes CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, and a kernel with BTF.`,
		Examples: []grammar.Example{
			{Line: "xdpload net monitor", Help: "all devices, until ^C"},
			{Line: "xdpload -json net monitor dev eth0 for 10", Help: "one device, for a script"},
		},
		New: env.New(func(r *monitorRequest) *grammar.Node {
			return grammar.Any(
				subject.DeviceGrammar(&r.Device),
				r.Watch.Grammar(),
			)
		}),
	}
}

// Run ends with what was counted, also on ^C: that is how one leaves it.
func (r *monitorRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	conn, err := e.Netlink()
	if err != nil {
		return nil, err
	}
	ifindex := 0
	if r.Device != "" {
		_, l, err := e.Link(r.Device)
		if err != nil {
			return nil, env.About(r.Device, err)
		}
		ifindex = l.Index
	}
	var ns unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &ns); err != nil {
		return nil, err
	}
	l, err := countLosses(ctx, ns.Ino, ifindex)
	if errors.Is(err, os.ErrPermission) && subject.Lacks(unix.CAP_SYS_ADMIN) {
		err = env.WithHints(err, "it takes CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN: run it as root")
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	ctx, stop := r.Watch.Begin(ctx)
	defer stop()
	view := lossView{conn: conn, netns: uint32(ns.Ino)}
	return watchLosses(ctx, e, l, &view)
}

// watchLosses prints what grows, until ctx is done, and returns all of it.
func watchLosses(ctx context.Context, e *env.Env, l *losses, view *lossView) (*lossSummary, error) {
	begin := time.Now()
	tick := time.NewTicker(look)
	defer tick.Stop()
	told := make(map[loss]uint64)
	reports := make(map[loss]*lossReport) // as last told
	for {
		over := false
		select {
		case <-tick.C:
		case <-ctx.Done():
			over = true
		}
		now, others, err := l.read()
		if err != nil {
			return nil, err
		}
		for _, key := range slices.SortedFunc(grown(told, now), compareLosses) {
			r := view.report(key)
			if was := reports[key]; was != nil {
				r.Cause = cmp.Or(r.Cause, was.Cause) // which may be over by now
			}
			reports[key] = r
			line := *r
			line.Time, line.Packets = time.Now().Format(time.RFC3339Nano), now[key]-told[key]
			if err := render.Write(e.Stdout, &line, e.Options); err != nil {
				return nil, err
			}
			told[key] = now[key]
		}
		if over {
			return summarize(reports, now, others, time.Since(begin)), nil
		}
	}
}

// grown are the keys of what became more.
func grown(before, now map[loss]uint64) func(yield func(loss) bool) {
	return func(yield func(loss) bool) {
		for key, packets := range now {
			if packets > before[key] && !yield(key) {
				return
			}
		}
	}
}

func compareLosses(a, b loss) int {
	return cmp.Or(
		cmp.Compare(a.Ifindex, b.Ifindex), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Program, b.Program), cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Map, b.Map), cmp.Compare(a.To, b.To), cmp.Compare(a.ToNetns, b.ToNetns),
	)
}

func summarize(reports map[loss]*lossReport, counts map[loss]uint64, others uint64, elapsed time.Duration) *lossSummary {
	s := &lossSummary{Seconds: elapsed.Seconds(), Others: others, Losses: []*lossReport{}}
	for key, packets := range counts {
		r := reports[key]
		if r == nil {
			continue
		}
		r.Packets = packets
		s.Losses = append(s.Losses, r)
	}
	slices.SortStableFunc(s.Losses, func(a, b *lossReport) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), compareLosses(a.loss, b.loss))
	})
	return s
}
