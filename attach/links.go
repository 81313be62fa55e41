package attach

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/pin"
)

// opPinLink is what fails when a link finds its path taken.
const opPinLink = "pin link"

// A linkHook is a hook on which a bpf_link can hold a program.
type linkHook interface {
	// list is what is on the hook, with the links.
	list(*session) (programList, error)
	// fresh is a program that was just put there, as far as that is known without
	// another look.
	fresh(*session, *move) *Attachment
	// inPlace are the programs of the list that are where the hook wants one.
	inPlace(programList) []*Attachment
	// ready refuses a new link whose place is not there.
	ready(programList) error
	// create attaches by a new link.
	create(*session) (*Link, error)
	// keeps refuses an update of the link that holds an attachment, which
	// cannot move it, if the hook wants another place.
	keeps(programList, *Attachment) error
	// current refuses a revision of the hook that is not the one that was asked for.
	current(op string, on programList) error
}

// linkSteps have a bpf_link hold the program: a new one, which comes to be when
// its pin is published, or the one that is pinned already. A new one that is not
// published is not attached.
type linkSteps struct {
	answered
	*Plan
	hook    linkHook
	on      programList
	held    *Attachment // by the link that is pinned, nil for none
	link    *Link       // nil without
	pin     os.FileInfo // of the link that is pinned, as it was found
	fresh   bool        // the link is a new one
	severed bool        // the one that is pinned holds nothing any more: a new one takes its path
	problem error       // where a program that does the same may make it void
	refusal error       // of the kernel, to make a new link
}

func (s *linkSteps) look(e *session, m *move) (err error) {
	s.close()
	openErr := s.open(e)
	if s.on, err = s.hook.list(e); err != nil {
		return err
	}
	m.Device, m.old, s.held = s.on.device, 0, nil
	if s.problem = s.examine(e, m, openErr); s.held != nil {
		m.old = s.held.Program.ID
	}
	if len(s.left()) > 0 {
		return nil
	}
	return s.problem
}

// left are the programs that an idempotent plan may leave.
func (s *linkSteps) left() []*Attachment {
	if !s.Idempotent {
		return nil
	}
	return s.hook.inPlace(s.on)
}

// open opens what is pinned where the link is to be.
func (s *linkSteps) open(e *session) (err error) {
	if s.pin, err = os.Lstat(s.Link); errors.Is(err, os.ErrNotExist) {
		return err
	}
	if s.link, err = OpenLink(PinnedAt(s.Link)); err == nil {
		e.holds(s.link)
	}
	return err
}

// examine finds what the link holds that is pinned, if there is one.
func (s *linkSteps) examine(e *session, m *move, err error) error {
	s.severed = false
	switch {
	case errors.Is(err, os.ErrNotExist):
		return s.hook.ready(s.on)
	case err != nil:
		return err
	}
	if s.held, err = s.pinned(e, m); err == nil {
		err = s.hook.keeps(s.on, s.held)
	}
	switch {
	case !s.Replace:
		return &os.PathError{Op: opPinLink, Path: s.Link, Err: os.ErrExist}
	case errors.Is(err, ErrLinkDetached):
		s.severed = true
		s.close()
		return s.hook.ready(s.on)
	case err != nil:
		return &os.PathError{Op: "update", Path: s.Link, Err: err}
	}
	return nil
}

// pinned is what the link holds, on this hook and no other. A link that came to
// the device, or got another program, after the hook was listed is looked for
// again.
func (s *linkSteps) pinned(e *session, m *move) (*Attachment, error) {
	for attempt := 1; ; attempt++ {
		info, err := sys.InfoOfLink(s.link.fd)
		switch {
		case err != nil:
			return nil, err
		case !info.OfDevice():
			return nil, errors.New("a bpf_link that is not of a device")
		case info.Severed():
			return nil, ErrLinkDetached
		}
		if i, err := s.on.find(LinkID(info.ID)); err == nil {
			return s.on.programs[i], nil
		}
		switch {
		case int(info.Ifindex) != m.Ifindex:
			return nil, fmt.Errorf("bpf_link id %d holds program id %d on the device with index %d", info.ID, info.Program, info.Ifindex)
		case attempt == attempts:
			return nil, fmt.Errorf("bpf_link id %d holds program id %d on another hook of the device", info.ID, info.Program)
		}
		if s.on, err = s.hook.list(e); err != nil {
			return nil, err
		}
	}
}

func (s *linkSteps) close() {
	_ = s.link.Close() // a descriptor of ours only
	s.link = nil
}

// refused is why the kernel made no link: a conflict, where one of another load has
// come to the path since, and with it to the hook.
func (s *linkSteps) refused() error {
	if s.refusal == nil {
		return nil
	}
	if now, err := os.Lstat(s.Link); err == nil && !(s.severed && os.SameFile(now, s.pin)) {
		return &pin.ConflictError{Path: s.Link, Err: s.refusal}
	}
	return s.refusal
}

// drop has a new link hold nothing: the kernel frees it only some time after its
// last pin and descriptor are gone.
func (s *linkSteps) drop() {
	if s.fresh && s.link != nil {
		_ = s.link.Detach() // before Linux 5.9 it has to go by itself
	}
	s.fresh = false
	s.close()
}

// candidates are what the link holds: beside it, the program could be attached
// twice.
func (s *linkSteps) candidates(*session, *move) []*Attachment {
	for _, a := range s.left() {
		if s.held != nil && a.Link != nil && a.Link.ID == s.held.Link.ID {
			return []*Attachment{a}
		}
	}
	return nil
}

// stage has a new link come to be with the pins of the load, or wants the one
// that is pinned to be there still.
func (s *linkSteps) stage(e *session) error {
	if s.problem != nil {
		return nil
	}
	txn, err := e.transaction(s.Link)
	if err != nil {
		return fmt.Errorf("pin the link: %w", err)
	}
	if s.link != nil {
		txn.Expect(s.Link, s.pin)
		return nil
	}
	place := txn.Pin
	if s.severed {
		txn.Expect(s.Link, s.pin)
		place = txn.Replace
	}
	return place(s.Link, pinFunc(func(path string) error {
		if s.link, s.refusal = s.hook.create(e); s.refusal != nil {
			return errNotMade // an os.ErrExist of the hook would be taken for one of the path
		}
		s.fresh = true
		e.holds(s.link)
		return s.link.Pin(path)
	}))
}

var errNotMade = errors.New("no link to pin")

// pinFunc pins what it makes.
type pinFunc func(path string) error

// Pin makes the object and pins it.
func (f pinFunc) Pin(path string) error { return f(path) }

func (s *linkSteps) put(e *session, m *move) error {
	m.Attachment = s.hook.fresh(e, m)
	switch {
	case s.problem != nil:
		return s.problem
	case s.held == nil:
		return nil // it is attached since it is pinned
	}
	m.Attachment.Mode, m.Attachment.Multi, m.Attachment.Link = s.held.Mode, s.held.Multi, s.held.Link
	m.Gone = &s.held.Program
	if err := s.link.update(e.program().FD(), max(e.savedFD(m.old), 0)); err != nil { // 0: with what was not saved nothing is compared
		return &os.PathError{Op: "update", Path: s.Link, Err: err}
	}
	return nil
}

// again is for a link that holds another program than when it was looked at.
func (s *linkSteps) again(e *session, m *move, err error) bool {
	if s.held == nil || s.problem != nil || !errors.Is(err, unix.EPERM) {
		return false
	}
	was := m.old
	return s.look(e, m) == nil && s.held != nil && m.old != was
}

func (s *linkSteps) confirm(e *session, m *move) {
	if m.Err != nil {
		return
	}
	which := ProgramID(e.program().ID)
	if s.link != nil {
		which, m.Attachment.Link = LinkID(s.link.ID), &s.link.LinkInfo
	}
	readBack(e, m, which, s.hook)
}

// undo gives the link what it held. A new one goes with its pin.
func (s *linkSteps) undo(e *session, m *move) error {
	if s.held == nil {
		s.drop()
		return nil
	}
	old, err := e.restorable(m.old)
	if err != nil {
		return err
	}
	return s.link.update(old, e.program().FD())
}

// readBack completes a made move with what is now on the hook. Where that cannot
// be told, or someone else has taken it off since, what was done has to do.
func readBack(e *session, m *move, which Ref, hook linkHook) {
	on, err := hook.list(e)
	i := -1
	if err == nil {
		i, err = on.find(which)
	}
	if err == nil {
		m.Attachment = on.programs[i]
		m.Attachment.Program = e.program().Info // of which the list has no more than who may look
	} else {
		e.warn(fmt.Errorf("%s: attached, but what is there now cannot be told: %w", m.Device, err))
	}
	m.Attachment.Replaced = m.Gone
	m.Attachment.Uncompared = m.Gone != nil && e.savedFD(m.old) < 0
}

// linkOff takes off what a bpf_link holds, for good.
type linkOff struct {
	once
	answered
	hook linkHook
	id   uint32
	ref  Ref // as which it is opened: a pin takes no CAP_SYS_ADMIN
	held *Attachment
}

func (s *linkOff) look(e *session, m *move) error {
	on, err := s.hook.list(e)
	if err != nil {
		return err
	}
	m.Device = on.device
	if err := s.hook.current(opDetach, on); err != nil {
		return err
	}
	on.programs = s.hook.inPlace(on)
	i, err := on.find(LinkID(s.id))
	if err == nil {
		s.held = on.programs[i]
		m.old = s.held.Program.ID
		return nil
	}
	// Of XDP, the list has links only for who may open them.
	if l, openErr := OpenLink(s.ref); errors.Is(openErr, os.ErrPermission) {
		return openErr
	} else if openErr == nil {
		_ = l.Close() // a descriptor of ours only
	}
	return err
}

func (s *linkOff) put(_ *session, m *move) error {
	m.Attachment, m.Gone = s.held, &s.held.Program
	l, err := OpenLink(s.ref)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Detach()
}

func (*linkOff) undo(*session, *move) error { return ErrLinkDetached }
