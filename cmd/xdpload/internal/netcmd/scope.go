package netcmd

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/netlink"
)

// scope is which devices a line is about.
type scope struct {
	Device   string // "" for all
	AllNetns bool

	mayBeGone bool // the device was there, and need not be any more
}

func (s *scope) deviceGrammar() *grammar.Node { return subject.DeviceGrammar(&s.Device) }

func (s *scope) allGrammar() *grammar.Node {
	return grammar.Flag("all-netns", &s.AllNetns).Alias("-all-netns").Exact().
		Help("in every network namespace that has a name or a process; -all-netns before the command is the same")
}

// each has visit look at the network namespace of the command, or in each that there is,
// which then need not have the device. It gets a socket there, and with all of them the
// namespace. No device is no error if it may be gone.
func (s *scope) each(e *env.Env, visit func(*netlink.Conn, *netns.Namespace) error) error {
	if !s.AllNetns && !e.AllNetns {
		conn, err := e.Netlink()
		if err != nil {
			return err
		}
		err = visit(conn, nil)
		if s.mayBeGone && subject.AbsentDevice(err) {
			err = nil
		}
		return env.About(s.Device, err)
	}
	if e.Netns != "" {
		return &env.OptionError{Err: fmt.Errorf("-netns %s and all-netns: one namespace or all of them", e.Netns)}
	}
	there := s.Device == "" || s.mayBeGone
	for _, ns := range netns.All() {
		err := netns.Do(ns.Path, func() error {
			conn, err := netlink.Dial(nil)
			if err != nil {
				return err
			}
			defer conn.Close()
			return visit(conn, &ns)
		})
		switch {
		case err == nil:
			there = true
		case !subject.AbsentDevice(err) && !ns.Gone():
			name, _ := nameOf(&ns)
			return fmt.Errorf("network namespace %s: %w", name, err)
		}
	}
	if !there {
		nowhere := fmt.Errorf("no network namespace has such a device: %w", unix.ENODEV)
		return &env.LinkError{Device: s.Device, Err: &env.DeviceError{Name: s.Device, Err: nowhere}}
	}
	return nil
}

// nameOf is how a namespace is told from others; nothing, where it is that of the command.
func nameOf(ns *netns.Namespace) (name string, inode uint64) {
	switch {
	case ns == nil:
		return "", 0
	case ns.Name != "":
		return ns.Name, ns.Inode
	}
	return fmt.Sprintf("pid %d", ns.PID), ns.Inode
}
