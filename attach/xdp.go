package attach

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// XDP is the hook at which a device runs a program on each packet that it
// receives, before the network stack.
type XDP struct {
	Device  string // its name
	Ifindex int    // its index, where the name is empty
	// Mode is where the program runs. Any: to attach, native where the driver
	// can and generic elsewhere; to take off, wherever a program is.
	Mode netlink.XDPMode
	// LinkID has what this bpf_link holds taken off: it holds nothing
	// from then on. Without it, what a bpf_link holds is an [*OccupiedError].
	LinkID uint32
}

// ProgramType is [ebpf.XDP].
func (XDP) ProgramType() ebpf.ProgramType { return ebpf.XDP }

func (h XDP) device() (name string, ifindex int) { return h.Device, h.Ifindex }

func (h XDP) at(ifindex int) place {
	h.Ifindex = ifindex
	return h
}

func (h XDP) steps(p *Plan) steps {
	if p.Source == nil && h.LinkID != 0 {
		return &linkOff{hook: h, id: h.LinkID, ref: LinkID(h.LinkID)}
	}
	return &xdpSteps{XDP: h, Plan: p, off: p.Source == nil}
}

// xdpSteps swap a program with the one that is expected there.
type xdpSteps struct {
	XDP
	*Plan
	off   bool
	link  *netlink.Link   // as it was seen last
	asked netlink.XDPMode // of the kernel
	blunt bool            // without an expectation: the kernel shall say what is in the way
	plain bool            // without a mode, where none is asked for: the driver has no native one
}

func (s *xdpSteps) look(e *session, m *move) (err error) {
	if s.link, err = e.Known.device(e.conn, s.Ifindex); err != nil {
		return err
	}
	m.Device = s.link.Name
	return s.choose(e, m)
}

// choose decides what is to be asked for.
func (s *xdpSteps) choose(e *session, m *move) error {
	on := s.running()
	m.old, s.asked = 0, s.Mode
	switch {
	case s.off && len(on) > 1:
		return &AmbiguousError{Device: m.Device, Attachments: s.on(e.Known, s.link)}
	case s.off:
		if m.idle = len(on) == 0; !m.idle {
			m.old, s.asked = on[0].ID, on[0].Mode
		}
		return nil
	case len(on) > 0 && s.Replace && !s.blunt:
		m.old = on[0].ID
	}
	if s.Mode == netlink.XDPAny && !s.plain && len(s.link.XDP.Programs) == 0 {
		s.asked = netlink.XDPNative // the kernel's choice, if it can: then where it is need not be asked
	}
	return nil
}

// running are the programs that the mode stands for.
func (s *xdpSteps) running() (found []netlink.XDPProgram) {
	for _, x := range s.link.XDP.Programs {
		if s.is(x.Mode) && (s.off || s.Mode != netlink.XDPAny || x.Mode != netlink.XDPOffload) {
			found = append(found, x)
		}
	}
	return found
}

func (s *xdpSteps) candidates(e *session, _ *move) (all []*Attachment) {
	if s.off || !s.Idempotent {
		return nil
	}
	for _, x := range s.running() {
		all = append(all, s.attachment(e.Known, x.Mode, x.ID))
	}
	return all
}

func (s *xdpSteps) attachment(known *Inventory, mode netlink.XDPMode, program uint32) *Attachment {
	return &Attachment{Ifindex: s.link.Index, Device: s.link.Name, Mode: mode, Program: known.Program(program)}
}

func (s *xdpSteps) put(e *session, m *move) error {
	return s.putAll(context.Background(), e, []*move{m})[0]
}

func (*xdpSteps) putAll(ctx context.Context, e *session, all []*move) []error {
	requests := make([]netlink.DeviceXDP, len(all))
	for i, m := range all {
		s, _ := m.steps.(*xdpSteps)
		requests[i] = netlink.DeviceXDP{Ifindex: s.Ifindex, XDP: s.request(e, m)}
	}
	errs := e.conn.SetXDPs(ctx, requests)
	for i, m := range all {
		if s, _ := m.steps.(*xdpSteps); errs[i] == nil {
			s.note(e, m)
		}
	}
	return errs
}

func (s *xdpSteps) request(e *session, m *move) netlink.XDP {
	x := netlink.XDP{FD: -1, Mode: s.asked, NoReplace: m.old == 0}
	if !s.off {
		x.FD = e.program().FD()
	}
	if fd := e.savedFD(m.old); m.old != 0 && fd >= 0 {
		x.ExpectedFD = &fd
	}
	return x
}

// note says what the kernel has done.
func (s *xdpSteps) note(e *session, m *move) {
	if m.old != 0 {
		gone := e.Known.Program(m.old)
		m.Gone = &gone
	}
	if s.off {
		m.Attachment = s.attachment(e.Known, s.asked, m.old)
	} else {
		m.Attachment = s.fresh(e, m)
		m.Attachment.Mode, m.Attachment.Replaced = s.asked, m.Gone
	}
	m.Attachment.Uncompared = m.old != 0 && e.savedFD(m.old) < 0
}

// took: what the hook ran is gone, or what it shall run is there.
func (s *xdpSteps) took(e *session, m *move) (bool, error) {
	program := m.old
	if !s.off {
		program = e.program().ID
	}
	l, err := e.conn.LinkByIndex(s.Ifindex)
	if err != nil {
		return false, err
	}
	runs := slices.ContainsFunc(l.XDP.Programs, func(x netlink.XDPProgram) bool { return x.ID == program })
	if runs == s.off {
		return false, nil
	}
	s.note(e, m)
	return true, nil
}

func (s *xdpSteps) again(e *session, m *move, err error) bool {
	switch {
	case errors.Is(err, errors.ErrUnsupported) && s.asked != s.Mode && !s.off:
		s.plain = true
		return s.choose(e, m) == nil
	case errors.Is(err, os.ErrExist):
		return s.overtaken(e, m)
	}
	return false
}

// overtaken says whether another attempt may tell more: someone else has changed
// the device since it was looked at, or the kernel has only said that it did not
// expect what is there.
func (s *xdpSteps) overtaken(e *session, m *move) bool {
	if m.old == 0 && !s.Replace && !s.Idempotent || s.blunt {
		return false
	}
	was, ran := m.old, s.running()
	if err := s.look(e, m); err != nil {
		return false
	}
	if !s.off && !s.Replace { // nothing is put in the way of another: it may only be what was to be put there
		return !slices.Equal(ran, s.running())
	}
	same := m.old == was
	if same && s.off {
		return false
	}
	s.blunt = same
	return s.choose(e, m) == nil
}

func (s *xdpSteps) confirm(e *session, m *move) { s.confirmAll(e, []*move{m}) }

// confirmAll asks once where the kernel put the programs, and what is in the way
// where it refused.
func (*xdpSteps) confirmAll(e *session, all []*move) {
	unclear := slices.DeleteFunc(slices.Clone(all), func(m *move) bool {
		s, _ := m.steps.(*xdpSteps)
		return m.Err == nil && (s.off || s.asked != netlink.XDPAny)
	})
	now, err := runningOn(e.conn, unclear)
	if err != nil && slices.ContainsFunc(unclear, func(m *move) bool { return m.made }) {
		e.warn(fmt.Errorf("attached, but the mode cannot be told: %w", err))
	}
	for _, m := range unclear {
		s, _ := m.steps.(*xdpSteps)
		found, there := now[s.Ifindex]
		if m.Err != nil {
			if there && s.link != nil {
				l := *s.link
				l.XDP = found
				s.link = &l
			}
			m.Err = s.explain(e, m.Err)
			continue
		}
		if mode := modeOf(e.program().ID, found); mode != netlink.XDPAny {
			m.Attachment.Mode = mode
		}
	}
}

// modeOf is where a device runs a program whose mode the kernel chose; when it has been
// replaced since, where the kernel has put the next one: its choice goes by the driver.
func modeOf(id uint32, running netlink.LinkXDP) (mode netlink.XDPMode) {
	for _, x := range running.Programs {
		if x.ID == id {
			return x.Mode
		}
		if x.Mode != netlink.XDPOffload {
			mode = x.Mode
		}
	}
	return mode
}

// runningOn is what the devices of moves run, by index.
func runningOn(c *netlink.Conn, moves []*move) (map[int]netlink.LinkXDP, error) {
	switch len(moves) {
	case 0:
		return nil, nil
	case 1:
		l, err := c.LinkByIndex(moves[0].Ifindex)
		if err != nil {
			return nil, err
		}
		return map[int]netlink.LinkXDP{l.Index: l.XDP}, nil
	}
	return c.LinkXDPs()
}

func (s *xdpSteps) undo(e *session, m *move) (err error) {
	x := netlink.XDP{FD: -1, Mode: s.asked, NoReplace: s.off}
	if m.old != 0 {
		if x.FD, err = e.restorable(m.old); err != nil {
			return err
		}
	}
	if !s.off {
		fd := e.program().FD()
		x.ExpectedFD = &fd
	}
	return e.conn.SetXDP(s.Ifindex, x)
}

// on lists what the hook has on a device, in every mode for [netlink.XDPAny].
func (h XDP) on(known *Inventory, l *netlink.Link) []*Attachment {
	return slices.DeleteFunc(known.XDP(l), func(a *Attachment) bool { return !h.is(a.Mode) })
}

// is reports whether the hook is that of a program that runs in a mode.
func (h XDP) is(m netlink.XDPMode) bool { return h.Mode == netlink.XDPAny || h.Mode == m }

// explain adds to a refusal what is on the hook, or why the program does not
// suit it where the kernel keeps that to itself.
func (s *xdpSteps) explain(e *session, err error) error {
	refused, ok := errors.AsType[*netlink.Error](err)
	switch {
	case !ok:
		return err
	case errors.Is(err, os.ErrExist):
		return &OccupiedError{Device: s.link.Name, Attachments: e.Known.XDP(s.link), Err: err}
	case refused.Errno() == unix.EINVAL && refused.Message == "":
		return s.unsuitable(e.program(), err)
	}
	return err
}

// unsuitable gives the reason of an EINVAL that comes without a sentence.
func (h XDP) unsuitable(p *prog.Program, err error) error {
	switch {
	case p != nil && p.Type != ebpf.XDP:
		return &prog.UnsuitableError{Cause: "a program of type " + kernelname.Program(p.Type) + " cannot run on the XDP hook", Err: err}
	case h.Mode == netlink.XDPOffload:
		return &prog.UnsuitableError{Cause: prog.NoOffload, Offload: true, Type: ebpf.XDP, Err: err}
	}
	return err
}

// hookXDP is the XDP hook's name in errors of bpf(2).
const hookXDP = "xdp"
