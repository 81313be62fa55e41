package attach

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/netlink"
)

// filterOff deletes the filter that has the hook's pref and handle, or without them
// the one that has its name.
type filterOff struct {
	once
	Clsact
	filter netlink.Filter
	old    *netlink.Filter // nil if it cannot be known
	was    *Attachment     // the same
}

func (s *filterOff) look(e *session, m *move) error {
	m.Device = s.name(e)
	if err := CheckHook(e.conn, s.Filter.Ifindex, s.Filter.Parent); err != nil {
		return err
	}
	s.filter = s.Filter
	s.filter.Kind = "bpf"
	if s.filter.Handle == 0 {
		same, err := s.Named(e.conn)
		if m.idle = len(same) == 0; err != nil || m.idle {
			return err
		}
		if len(same) > 1 {
			return &AmbiguousError{Device: m.Device, Attachments: s.attachments(e, same)}
		}
		s.filter = *same[0]
	}
	var err error
	if s.old, err = s.existing(e.conn, s.filter); s.old != nil && s.old.BPF != nil {
		m.old = s.old.BPF.ProgramID
	}
	return err
}

func (s *filterOff) put(e *session, m *move) error {
	if s.old != nil { // while its program is there to be asked about
		s.was = s.attachments(e, []*netlink.Filter{s.old})[0]
	}
	err := e.conn.DeleteFilter(identity(s.filter))
	switch {
	case err == nil:
		s.note(m)
	case s.old == nil && errors.Is(err, unix.EINVAL): // as of one whose qdisc or block is not there
		err = fmt.Errorf("%w: %w", os.ErrNotExist, err)
	}
	return err
}

func (s *filterOff) note(m *move) {
	if s.was == nil {
		m.Attachment = &Attachment{Ifindex: m.Ifindex, Device: m.Device, Filter: &FilterInfo{Filter: s.filter}}
		return
	}
	m.Attachment, m.Gone = s.was, &s.was.Program
}

// took: the filter that was there is not.
func (s *filterOff) took(e *session, m *move) (bool, error) {
	now, err := e.conn.Filter(identity(s.filter))
	refused, ok := errors.AsType[*netlink.Error](err)
	gone := ok && refused.Errno() != 0 || err == nil && now.Handle != s.filter.Handle
	if gone && s.old != nil {
		s.note(m)
		return true, nil
	}
	return false, err
}

func (s *filterOff) undo(e *session, _ *move) error {
	if s.old == nil {
		return errors.New("what the filter was is not known")
	}
	return restoreFilter(e, *s.old)
}
