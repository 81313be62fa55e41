package attach

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
)

// Order is what the hooks that run several programs, [TCX] and [Netkit], are told
// about one of them.
type Order struct {
	// Anchor is where the program goes; nil is Last.
	Anchor Anchor
	// Revision, if not 0, has a change refused unless the hook is at
	// that revision: see [MultiInfo].
	Revision uint64
	// Which program is taken off; the zero value is the only one.
	Which Ref
}

// mprog is such a hook of a device (kernel/bpf/mprog.c).
type mprog struct {
	ifindex int
	point   sys.AttachType
	Order
}

// mprog is a hook, or the second of a pair, whose number follows that of the first.
func (o Order) mprog(first sys.AttachType, second bool, ifindex int) mprog {
	if second {
		first++
	}
	return mprog{ifindex, first, o}
}

func (m mprog) name() string {
	switch m.point {
	case sys.TCXIngress:
		return "tcx/ingress"
	case sys.TCXEgress:
		return "tcx/egress"
	case sys.NetkitPrimary:
		return "netkit/primary"
	default:
		return "netkit/peer"
	}
}

func (m mprog) steps(p *Plan) steps {
	if p.Source == nil {
		return &mprogOff{mprog: m}
	}
	return &mprogSteps{mprog: m, Plan: p}
}

// query asks what is on the hook.
func (m mprog) query(device string, known *Inventory) (programList, error) {
	running, revision, err := sys.QueryPrograms(m.ifindex, m.point)
	if err != nil && !errors.Is(err, unix.ENOENT) { // ENOENT: never had a program, on some kernels
		return programList{}, err
	}
	out := programList{hook: m.name(), device: device, revision: revision}
	for i, r := range running {
		a := &Attachment{
			Ifindex: m.ifindex, Device: device, Program: known.Program(r.Program),
			Multi: &MultiInfo{Hook: m.name(), Position: i, Revision: revision},
		}
		if r.Link != 0 {
			a.Link = &LinkInfo{ID: r.Link}
		}
		out.programs = append(out.programs, a)
	}
	return out, nil
}

// list is what the hook is about to be changed from.
func (m mprog) list(e *session) (programList, error) {
	dev, err := e.Known.device(e.conn, m.ifindex)
	if err != nil {
		return programList{}, err
	}
	on, err := m.query(dev.Name, new(Inventory))
	if err != nil {
		return on, m.explain(e.conn, opLook, err)
	}
	return on, nil
}

func (m mprog) fresh(e *session, to *move) *Attachment {
	return &Attachment{
		Ifindex: m.ifindex, Device: to.Device, Program: e.program().Info, Multi: &MultiInfo{Hook: m.name()},
	}
}

// current refuses a revision that is not the hook's.
func (m mprog) current(op string, on programList) error {
	if m.Revision != 0 && m.Revision != on.revision {
		return m.refused(op, unix.ESTALE, "the hook is at revision %d, not %d", on.revision, m.Revision)
	}
	return nil
}

// position is where a program goes.
func (m mprog) position(on programList) (position, error) {
	if err := m.current(opAttach, on); err != nil {
		return position{}, err
	}
	anchor := m.Anchor
	if anchor == nil {
		anchor = Last()
	}
	at, err := anchor.resolve(on)
	at.Revision = m.Revision
	return at, err
}

// inPlace are the programs that are in the place already, whatever the revision
// was before what changes nothing now.
func (m mprog) inPlace(on programList) (out []*Attachment) {
	for i, a := range on.programs {
		if m.Anchor == nil || m.Anchor.satisfied(on, i) {
			out = append(out, a)
		}
	}
	return out
}

// ready refuses a place for a new link.
func (m mprog) ready(on programList) error {
	at, err := m.position(on)
	if err == nil && at.replaced != nil {
		err = m.refused(opAttach, unix.EBUSY, "a new bpf_link cannot take the place of %s", label(at.replaced))
	}
	return err
}

// keeps refuses an anchor or a revision that is not the link's.
func (m mprog) keeps(on programList, a *Attachment) error {
	if _, err := m.position(on); err != nil || m.Anchor == nil {
		return err
	}
	i, err := on.find(LinkID(a.Link.ID))
	if err != nil || m.Anchor.satisfied(on, i) {
		return err
	}
	return m.refused(opAttach, unix.EBUSY,
		"bpf_link %d is at position %d, and an update cannot move it to %q", a.Link.ID, i, m.Anchor)
}

// create attaches by a new link.
func (m mprog) create(e *session) (*Link, error) {
	on, err := m.list(e)
	if err != nil {
		return nil, err
	}
	if err := m.ready(on); err != nil {
		return nil, err
	}
	at, _ := m.position(on)
	l, err := linkOf(sys.CreateLink(m.ifindex, m.point, e.program().FD(), at.Place))
	if err != nil {
		return nil, m.explain(e.conn, opAttach, err)
	}
	return l, nil
}

// mprogSteps put a program among the others of a hook.
type mprogSteps struct {
	answered
	mprog
	*Plan
	on      programList // as it was seen last
	at      position
	problem error // of the place, where a program that does the same may make it void
}

func (s *mprogSteps) look(e *session, m *move) (err error) {
	if s.on, err = s.list(e); err != nil {
		return err
	}
	m.Device, m.old = s.on.device, 0
	if s.at, s.problem = s.position(s.on); s.at.replaced != nil {
		m.old = s.at.replaced.Program.ID
	}
	if s.Idempotent {
		if s.at.Revision == 0 { // or it may be there twice
			s.at.Revision = s.on.revision
		}
		return nil
	}
	return s.problem
}

func (s *mprogSteps) candidates(*session, *move) []*Attachment {
	if !s.Idempotent {
		return nil
	}
	return s.inPlace(s.on)
}

func (s *mprogSteps) put(e *session, m *move) error {
	if s.problem != nil {
		return s.problem
	}
	p := e.program()
	m.Attachment = s.fresh(e, m)
	old := 0
	if m.old != 0 {
		var err error
		if old, err = e.restorable(m.old); err != nil {
			return s.explain(e.conn, opAttach, err)
		}
		m.Gone = &s.at.replaced.Program
	}
	return s.explain(e.conn, opAttach, s.swap(p.FD(), old, s.at.Place))
}

// swap puts a program there, in the place of the old one if that is not 0. Its
// link, if it has one, then holds the new one.
func (s *mprogSteps) swap(program, old int, at sys.Place) error {
	if s.at.replaced != nil && s.at.replaced.Link != nil {
		l, err := OpenLink(LinkID(s.at.replaced.Link.ID))
		if err != nil {
			return err
		}
		defer l.Close()
		return l.update(program, old)
	}
	return sys.AttachProgram(s.ifindex, s.point, program, old, at)
}

// again is for a program whose place is to be taken, and which someone else
// has replaced since: what stands there instead has another id. An idempotent plan
// looks whenever others have changed the hook.
func (s *mprogSteps) again(e *session, m *move, err error) bool {
	if s.Idempotent && s.Revision == 0 && s.problem == nil && errors.Is(err, unix.ESTALE) {
		return s.look(e, m) == nil
	}
	if m.old == 0 || s.problem != nil || !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
		return false
	}
	was := m.old
	return s.look(e, m) == nil && m.old != was
}

func (s *mprogSteps) confirm(e *session, m *move) {
	if m.Err == nil {
		readBack(e, m, ProgramID(e.program().ID), s.mprog)
	}
}

func (s *mprogSteps) undo(e *session, m *move) error {
	p := e.program().FD()
	if m.old == 0 {
		return sys.DetachProgram(s.ifindex, s.point, p, 0)
	}
	old, err := e.restorable(m.old)
	if err != nil {
		return err
	}
	return s.swap(old, p, sys.Place{})
}

// mprogOff takes one program of a hook off.
type mprogOff struct {
	once
	answered
	mprog
	on    programList
	which int // in the list
}

func (s *mprogOff) look(e *session, m *move) (err error) {
	if s.on, err = s.list(e); err != nil {
		return err
	}
	m.Device = s.on.device
	if err := s.current(opDetach, s.on); err != nil {
		return err
	}
	which, err := s.Which.opened()
	if err != nil {
		return err
	}
	if s.which, err = s.on.find(which); err != nil {
		return err
	}
	a := s.on.programs[s.which]
	switch {
	case a.Link == nil:
		m.old = a.Program.ID
	case which.kind == refLink:
		m.steps = &linkOff{hook: s.mprog, id: a.Link.ID, ref: s.Which}
		return m.look(e, m)
	default:
		err := s.refused(opDetach, unix.EBUSY, "a bpf_link holds the program")
		return &OccupiedError{Device: a.Device, Attachments: []*Attachment{a}, Err: err}
	}
	return nil
}

func (s *mprogOff) put(e *session, m *move) (err error) {
	if fd := e.savedFD(m.old); fd >= 0 {
		err = sys.DetachProgram(s.ifindex, s.point, fd, s.Revision)
	} else {
		err = s.putAtPlace(e, m)
	}
	a := s.on.programs[s.which]
	m.Attachment, m.Gone = a, &a.Program
	return s.explain(e.conn, opDetach, err)
}

// putAtPlace is for a program that may not be opened: the kernel is told what it is beside, in
// which revision of the hook.
func (s *mprogOff) putAtPlace(e *session, m *move) error {
	for range attempts {
		at := sys.Place{Flags: sys.FlagBefore}
		if s.which > 0 {
			at = besideProgram(sys.FlagAfter, s.on.programs[s.which-1])
		}
		at.Revision = s.on.revision
		err := sys.DetachAt(s.ifindex, s.point, at)
		if s.Revision != 0 || !errors.Is(err, unix.ESTALE) {
			return err
		}
		if err := s.look(e, m); err != nil {
			return err
		}
	}
	return errUnsettled
}

// undo puts the program back before the one that was behind it.
func (s *mprogOff) undo(e *session, m *move) error {
	fd, err := e.restorable(m.old)
	if err != nil {
		return err
	}
	at := sys.Place{Flags: sys.FlagAfter}
	if next := s.which + 1; next < len(s.on.programs) {
		at = besideProgram(sys.FlagBefore, s.on.programs[next])
	}
	return sys.AttachProgram(s.ifindex, s.point, fd, 0, at)
}
