package tccmd

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// Monitor is the command tc monitor, which prints changes as they happen.
func Monitor() env.Command {
	return env.Command{
		Name:    "tc monitor",
		Options: "details statistics brief",
		Summary: "print changes of qdiscs, chains, filters and actions as they happen",
		Description: `Prints what is added, replaced, changed and deleted in the network namespace, by anyone, in the form of tc(8), until it is interrupted. In JSON each event is a line.

With file it prints what rtmon(8) has recorded instead. A program that is gone when its event is read shows its id only.`,
		Examples: []grammar.Example{
			{Line: "xdpload -json tc monitor", Help: "a line for each event, for a script"},
			{Line: "xdpload tc monitor file tc.rtmon", Help: "what \"rtmon file tc.rtmon\" has seen"},
		},
		New: env.New(func(r *monitorRequest) *grammar.Node {
			return grammar.Opt(
				grammar.Key("file", "FILE", grammar.String(&r.File)).Completes(grammar.File).Help("a recording of rtmon; - is standard input"),
			)
		}),
	}
}

// monitorRequest is what to report on.
type monitorRequest struct{ File string }

func (r *monitorRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	conn, err := e.Netlink()
	if err != nil {
		return nil, err
	}
	if r.File == "" {
		m, err := netlink.Subscribe(nil, netlink.TopicTC)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		return nil, render.Stream(e.Stdout, events(e, m.Events(ctx), conn), e.Options)
	}
	in, err := e.Input(r.File)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err = render.Stream(e.Stdout, events(e, netlink.RecordedEvents(in), conn), e.Options); err != nil {
		err = fmt.Errorf("%s: %w", r.File, err)
	}
	return nil, err
}

// events reports on each event. That some were lost is said and no end.
func events(e *env.Env, all iter.Seq2[*netlink.Event, error], conn *netlink.Conn) iter.Seq2[render.Texter, error] {
	return func(yield func(render.Texter, error) bool) {
		for ev, err := range all {
			if errors.Is(err, unix.ENOBUFS) {
				e.Warn("events came faster than they were read; some are lost")
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if report := event(e, ev, conn); report != nil && !yield(report, nil) {
				return
			}
		}
	}
}

// event looks names up anew: devices come and go while the monitor runs.
func event(e *env.Env, ev *netlink.Event, conn *netlink.Conn) render.Texter {
	view := newFilterView(e, conn, echoed)
	switch {
	case ev.Filter != nil:
		return view.event(ev)
	case ev.Chain != nil:
		r := reportChain(ev.Chain, &view.devices, echoed)
		r.Added, r.Deleted = ev.Change == netlink.Added, ev.Change == netlink.Deleted
		return r
	case ev.Qdisc != nil:
		r := reportQdisc(ev.Qdisc, view.devices.key(ev.Qdisc.Ifindex), e.Statistics)
		r.Deleted = ev.Change == netlink.Deleted
		return r
	case len(ev.Actions) > 0:
		return &actionEvent{changedBy(ev.Change), view.actions(1, true, ev.Actions), e.Tool.Foreign()}
	}
	return nil
}
