package xdpload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// A fleet is the devices of an XDPs on their way from one program to another.
type fleet struct {
	XDPs
	conn    *netlink.Conn
	program *Program // nil to detach
	known   Inventory
	held    map[uint32]int // descriptors of what the devices ran, by id: they keep it until it is sure that nothing is put back
	swaps   []swap         // of Links
}

// A swap is the change of one device.
type swap struct {
	link  *netlink.Link // as it was seen last
	mode  netlink.XDPMode
	old   uint32 // the program in the place, 0 for none
	blunt bool   // without an expectation: the kernel shall say what is in the way
	plain bool   // without a mode, where none is asked for: the driver has no native one
	made  bool   // by the kernel
	Outcome
}

func newFleet(c *netlink.Conn, h XDPs, p *Program) *fleet {
	f := &fleet{XDPs: h, conn: c, program: p, held: make(map[uint32]int)}
	f.swaps = make([]swap, len(h.Links))
	for i, l := range h.Links {
		f.swaps[i] = swap{link: l, Outcome: Outcome{Device: l.Name, Ifindex: l.Index}}
	}
	return f
}

func (f *fleet) close() {
	for _, fd := range f.held {
		if fd >= 0 {
			_ = sys.Close(fd)
		}
	}
}

func (f *fleet) outcomes() []Outcome {
	out := make([]Outcome, len(f.swaps))
	for i := range f.swaps {
		out[i] = f.swaps[i].Outcome
	}
	return out
}

func (f *fleet) idle() bool { return len(f.pending()) == 0 }

func (f *fleet) leaveAlone(same func(ProgramInfo) (bool, error)) error {
	if !f.Idempotent {
		return nil
	}
	known := make(map[uint32]bool)
	for i := range f.swaps {
		s := &f.swaps[i]
		for _, x := range f.on(s.link) {
			is, ok := known[x.ID]
			if !ok {
				var err error
				if is, err = same(f.known.Program(x.ID)); err != nil {
					return err
				}
				known[x.ID] = is
			}
			if is {
				s.Attachment = f.attachment(s, x.Mode, x.ID)
				s.Attachment.Unchanged = true
			}
		}
	}
	return nil
}

// on lists the programs of a device that the mode stands for.
func (f *fleet) on(l *netlink.Link) (found []netlink.XDPProgram) {
	for _, x := range l.XDP.Programs {
		if x.Mode == f.Mode || f.Mode == netlink.XDPAny && (f.program == nil || x.Mode != netlink.XDPOffload) {
			found = append(found, x)
		}
	}
	return found
}

func (f *fleet) attachment(s *swap, mode netlink.XDPMode, program uint32) *Attachment {
	return &Attachment{Ifindex: s.link.Index, Device: s.link.Name, Mode: mode, Program: f.known.Program(program)}
}

// pending are the devices of which nothing is known yet.
func (f *fleet) pending() (todo []*swap) {
	for i := range f.swaps {
		if s := &f.swaps[i]; s.Err == nil && s.Attachment == nil {
			todo = append(todo, s)
		}
	}
	return todo
}

func (f *fleet) run(ctx context.Context) error {
	todo := f.plan(f.pending())
	for range attempts {
		if len(todo) == 0 {
			break
		}
		todo = f.plan(f.round(ctx, todo))
	}
	for _, s := range todo {
		s.Err = errUnsettled
	}
	f.describe()
	if !f.Atomic || !f.refused() {
		return nil
	}
	err := f.undo()
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

func (f *fleet) refused() bool {
	for i := range f.swaps {
		if f.swaps[i].Err != nil {
			return true
		}
	}
	return false
}

// plan decides what is to be done with each device, and returns those with
// which anything is.
func (f *fleet) plan(all []*swap) (todo []*swap) {
	for _, s := range all {
		if s.Err = f.holdOld(s); s.Err != nil {
			continue
		}
		on := f.on(s.link)
		s.mode, s.old = f.Mode, 0
		switch {
		case len(on) == 0 && f.program == nil:
			continue
		case len(on) > 1 && f.program == nil:
			s.Err = &AmbiguousError{Device: s.Device, Attachments: f.known.XDP(s.link)}
			continue
		case len(on) > 0 && (f.Replace || f.program == nil) && !s.blunt:
			s.old = on[0].ID
		}
		switch {
		case f.program == nil:
			s.mode = on[0].Mode
		case f.Mode == netlink.XDPAny && !s.plain && len(s.link.XDP.Programs) == 0:
			s.mode = netlink.XDPNative // the kernel's choice, if it can: then where it is need not be asked
		}
		todo = append(todo, s)
	}
	return todo
}

// holdOld opens what is in the place, so that it can be compared with and put
// back. What is gone already was replaced since.
func (f *fleet) holdOld(s *swap) error {
	if f.program != nil && !f.Replace {
		return nil
	}
	for range attempts {
		on := f.on(s.link)
		if len(on) == 0 {
			return nil
		}
		err := f.hold(on[0].ID)
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if s.link, err = f.conn.LinkByIndex(s.Ifindex); err != nil {
			return err
		}
	}
	return errUnsettled
}

// hold opens a program. Without the privilege it is neither compared with nor
// put back.
func (f *fleet) hold(program uint32) error {
	if _, ok := f.held[program]; ok {
		return nil
	}
	fd, err := sys.ProgramByID(program)
	if err == nil || errors.Is(err, os.ErrPermission) && !f.Atomic {
		f.held[program] = fd // -1 without
		return nil
	}
	return err
}

// round sends one request for each device and returns those that are to be
// tried again, because others were faster.
func (f *fleet) round(ctx context.Context, todo []*swap) (again []*swap) {
	requests := make([]netlink.DeviceXDP, len(todo))
	for i, s := range todo {
		requests[i] = netlink.DeviceXDP{Ifindex: s.Ifindex, XDP: f.request(s)}
	}
	for i, err := range f.conn.SetXDPs(ctx, requests) {
		s := todo[i]
		switch {
		case err == nil:
			f.take(s)
		case errors.Is(err, errors.ErrUnsupported) && s.mode != f.Mode && f.program != nil:
			s.plain = true
			again = append(again, s)
		case errors.Is(err, os.ErrExist) && f.overtaken(s):
			again = append(again, s)
		default:
			s.Err = err
		}
	}
	return again
}

func (f *fleet) request(s *swap) netlink.XDP {
	x := netlink.XDP{FD: -1, Mode: s.mode, NoReplace: s.old == 0}
	if f.program != nil {
		x.FD = f.program.FD()
	}
	if fd := f.held[s.old]; s.old != 0 && fd >= 0 {
		x.ExpectedFD = &fd
	}
	return x
}

// take notes what the kernel has done.
func (f *fleet) take(s *swap) {
	s.made = true
	if s.old != 0 {
		gone := f.known.Program(s.old)
		s.Gone = &gone
	}
	if f.program == nil {
		s.Attachment = f.attachment(s, s.mode, s.old)
	} else {
		s.Attachment = &Attachment{
			Ifindex: s.Ifindex, Device: s.Device, Mode: s.mode, Program: f.program.ProgramInfo, Replaced: s.Gone,
		}
	}
	s.Attachment.Uncompared = s.old != 0 && f.held[s.old] < 0
}

// overtaken says whether another attempt may tell more: someone else has changed
// the device since it was looked at, or the kernel has only said that it did not
// expect what is there.
func (f *fleet) overtaken(s *swap) bool {
	if s.old == 0 && !f.Replace || s.blunt {
		return false
	}
	l, err := f.conn.LinkByIndex(s.Ifindex)
	if err != nil {
		return false
	}
	was := s.old
	s.link = l
	on := f.on(l)
	same := len(on) == 0 && was == 0 || len(on) > 0 && on[0].ID == was
	if same && f.program == nil {
		return false
	}
	s.blunt = same
	return true
}

// chosen reports whether the kernel chose the mode of a change.
func (f *fleet) chosen(s swap) bool {
	return f.program != nil && s.made && s.mode == netlink.XDPAny
}

// describe asks the kernel once where it put the program, and what is in the
// way where it refused.
func (f *fleet) describe() {
	if !f.refused() && !slices.ContainsFunc(f.swaps, f.chosen) {
		return // it is known
	}
	now, err := f.conn.LinkXDPs()
	if err != nil {
		now = nil // what was asked for has to do
	}
	for i := range f.swaps {
		s := &f.swaps[i]
		found, there := now[s.Ifindex]
		switch {
		case s.Err != nil:
			if there {
				l := *s.link
				l.XDP = found
				s.link = &l
			}
			s.Err = f.explain(s)
		case s.made && f.program != nil:
			for _, x := range found.Programs {
				if x.ID == f.program.ID {
					s.Attachment.Mode = x.Mode
				}
			}
		}
	}
}

func (f *fleet) explain(s *swap) error {
	if _, refused := errors.AsType[*netlink.Error](s.Err); refused && errors.Is(s.Err, os.ErrExist) {
		return &OccupiedError{Device: s.Device, Attachments: f.known.XDP(s.link), Err: s.Err}
	}
	mode := s.mode
	if f.program != nil {
		mode = f.Mode
	}
	return XDP{Ifindex: s.Ifindex, Mode: mode}.explain(f.conn, f.program, s.Err)
}

// undo does not stop halfway.
func (f *fleet) undo() error {
	var made []*swap
	var requests []netlink.DeviceXDP
	var errs []error
	for i := range f.swaps {
		s := &f.swaps[i]
		switch {
		case !s.made:
		case s.old != 0 && f.held[s.old] < 0:
			errs = append(errs, fmt.Errorf("%s runs the new program, and program id %d cannot be put back", s.Device, s.old))
		default:
			made = append(made, s)
			requests = append(requests, netlink.DeviceXDP{Ifindex: s.Ifindex, XDP: f.inverse(s)})
		}
	}
	for i, err := range f.conn.SetXDPs(context.Background(), requests) {
		s := made[i]
		s.made, s.Attachment, s.Gone, s.Undone = false, nil, nil, true
		if err == nil || errors.Is(err, unix.ENODEV) { // the device is gone
			continue
		}
		s.Undone, s.Err = false, fmt.Errorf("what was there before could not be put back: %w", err)
		errs = append(errs, fmt.Errorf("%s: %w", s.Device, s.Err))
	}
	return errors.Join(errs...)
}

// inverse is the request that undoes another.
func (f *fleet) inverse(s *swap) netlink.XDP {
	x := netlink.XDP{FD: -1, Mode: s.mode, NoReplace: f.program == nil}
	if s.old != 0 {
		x.FD = f.held[s.old]
	}
	if f.program != nil {
		fd := f.program.FD()
		x.ExpectedFD = &fd
	}
	return x
}
