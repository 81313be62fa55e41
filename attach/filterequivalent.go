package attach

import (
	"fmt"
	"os"
	"reflect"
	"slices"

	"github.com/xdpload/xdpload/netlink"
)

// candidates are the filters that may do what the plan would have done.
func (s *filterSteps) candidates(e *session, m *move) []*Attachment {
	asked := s.Filter.BPF
	if !s.Idempotent {
		return nil
	}
	h := s.Clsact
	if h.Filter.Protocol == 0 {
		h.Filter.Protocol = netlink.ProtocolAll
	}
	all, err := h.Named(e.conn)
	if unasked(err) {
		m.Err = err
	}
	if err != nil {
		return nil // no such hook, yet: it will be made, or named
	}
	all = slices.DeleteFunc(all, func(f *netlink.Filter) bool {
		return h.Filter.Handle != 0 && h.Filter.Handle != f.Handle || (f.BPF.ProgramID == 0) != (len(asked.Bytecode) > 0) ||
			!s.adds() && !sameOptions(asked, f.BPF)
	})
	return h.attachments(e, all)
}

// leaves reports whether a filter whose program does the same does all that
// was asked for.
func (s *filterSteps) leaves(a *Attachment) error {
	if sameOptions(s.Filter.BPF, a.Filter.BPF) {
		return nil
	}
	err := fmt.Errorf("there is a filter of this name, with other options: %w", os.ErrExist)
	return &OccupiedError{Device: a.Device, Attachments: []*Attachment{a}, Err: err}
}

// sameOptions compares what was asked of a filter with one that is there, but for
// their programs.
func sameOptions(asked, is *netlink.BPFFilter) bool {
	return asked.Name == is.Name && asked.Direct == is.Direct && asked.ClassID == is.ClassID &&
		asked.SkipHW == is.SkipHW && asked.SkipSW == is.SkipSW &&
		slices.Equal(asked.Bytecode, is.Bytecode) &&
		samePolice(asked.Police, is.Police) && slices.EqualFunc(asked.Actions, is.Actions, sameAction)
}

// sameAction says of an action that runs a program that it is another: what it was
// made of is not known.
func sameAction(asked, is *netlink.Action) bool {
	if asked.Kind == "bpf" || !samePolice(asked.Police, is.Police) {
		return false
	}
	other := *is
	other.Police = asked.Police
	other.Refs, other.Binds, other.InHWCount, other.UsedHWStats, other.Stats, other.Times = 0, 0, nil, nil, nil, nil
	if asked.Index == 0 {
		other.Index = 0
	}
	return reflect.DeepEqual(*asked, other)
}

// samePolice allows for what the kernel chooses itself, and for a burst that it
// keeps as the time that it takes.
func samePolice(asked, is *netlink.Police) bool {
	if asked == nil || is == nil {
		return asked == is
	}
	other := *is
	other.Refs, other.Binds, other.Times = 0, 0, nil
	if asked.Index == 0 {
		other.Index = 0
	}
	if asked.MTU == 0 {
		other.MTU = 0
	}
	const tick = 64 // ns
	if off := int64(asked.Burst) - int64(is.Burst); off*off <= sqr(int64(asked.Rate)*tick/1e9+1) {
		other.Burst = asked.Burst
	}
	return *asked == other
}

func sqr(n int64) int64 { return n * n }
