package attach

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// Clsact is the hook of a classifier: a place on a clsact or ingress qdisc, on a
// shared block, or on a qdisc with classes, and the bpf filter that runs
// the program there.
//
// On netlink.Ingress and netlink.Egress, the clsact qdisc is created where
// the device has neither clsact nor ingress, and deleted again when the filter
// is then refused.
type Clsact struct {
	Device string // its name; where that is empty, the Ifindex of Filter counts
	// Filter is the place, and how the program runs there. Its Kind is "bpf", and
	// its FD the program's. With Bytecode there is no program. Protocol 0
	// stands for netlink.ProtocolAll, except to change and to detach, where
	// it stands for any. Without a name it gets that of [Source.FilterName], so that a
	// plan that replaces finds the filter of the one before.
	Filter netlink.Filter
	// Change replaces, as the plan can say, but never adds: os.ErrNotExist.
	Change bool
}

// A target is what identifies the filter to set, and the one that is there, if
// known.
type target struct {
	pref     uint16
	handle   uint32
	protocol netlink.Protocol
	old      *netlink.Filter
	reserved bool // it must be free
}

// FilterName is the name by which tc shows what a filter runs, and by which a plan
// that replaces finds it again: "foo.o:[classifier]" for a file and a section, without
// the file's directory. The kernel keeps 255 bytes (net/sched/cls_bpf.c,
// CLS_BPF_NAME_LEN). tc's section is "*fsobj" for a program that comes of no file.
func FilterName(file, section string) string {
	name := filepath.Base(file) + ":[" + section + "]"
	return name[:min(len(name), 255)]
}

// ProgramType is [ebpf.SchedCLS].
func (Clsact) ProgramType() ebpf.ProgramType { return ebpf.SchedCLS }

func (h Clsact) device() (name string, ifindex int) { return h.Device, h.Filter.Ifindex }

func (h Clsact) at(ifindex int) place {
	h.Filter.Ifindex = ifindex
	return h
}

func (h Clsact) steps(p *Plan) steps {
	if p.Source == nil {
		return &filterOff{Clsact: h}
	}
	var options netlink.BPFFilter
	if h.Filter.BPF != nil {
		options = *h.Filter.BPF
	}
	if options.Name == "" && options.Bytecode == nil {
		options.Name = p.Source.FilterName()
	}
	h.Filter.BPF = &options
	return &filterSteps{Clsact: h, Plan: p}
}

// filterSteps set a filter.
type filterSteps struct {
	Clsact
	*Plan
	to      *target
	at      qdisc // that the hook is on
	created bool  // the qdisc
}

// adds reports whether a filter that is there already is in the way.
func (s *filterSteps) adds() bool { return !s.Replace && !s.Change }

func (s *filterSteps) look(e *session, m *move) (err error) {
	m.Device, m.old = s.name(e), 0
	if s.to, err = s.identify(e); err != nil {
		return err
	}
	if old := s.to.old; old != nil && old.BPF != nil {
		m.old = old.BPF.ProgramID
	}
	if s.to.old != nil && s.Filter.Parent == netlink.Ingress { // whatever kind of qdisc it is on
		s.at = qdisc{}
		return nil
	}
	if s.at, err = s.findOnce(e); err != nil {
		return err
	}
	if s.at.missing && !s.creates() || s.at.shares(s.Filter.Parent) {
		return s.refusal(e.conn)
	}
	return nil
}

func (*filterSteps) putAll(ctx context.Context, e *session, all []*move) []error {
	var errs []error
	for len(all) > 0 {
		if n := adding(all); n > 1 {
			errs = append(errs, addAll(ctx, e, all[:n])...)
			all = all[n:]
			continue
		}
		err := ctx.Err()
		if err == nil {
			err = all[0].put(e, all[0])
		}
		errs, all = append(errs, err), all[1:]
	}
	return errs
}

// adding is how many of the first moves only add a filter where there is a qdisc.
func adding(all []*move) (n int) {
	for _, m := range all {
		s, _ := m.steps.(*filterSteps)
		if !s.adds() || s.at.missing {
			break
		}
		n++
	}
	return n
}

func addAll(ctx context.Context, e *session, all []*move) []error {
	if err := ctx.Err(); err != nil {
		return slices.Repeat([]error{err}, len(all))
	}
	filters := make([]*netlink.Filter, len(all))
	for i, m := range all {
		s, _ := m.steps.(*filterSteps)
		f := s.filter(s.to, e.program())
		filters[i] = &f
	}
	got, errs := e.conn.AddFilters(filters)
	for i, m := range all {
		if s, _ := m.steps.(*filterSteps); errs[i] == nil {
			s.note(e, m, got[i])
		}
	}
	return errs
}

func (s *filterSteps) put(e *session, m *move) error {
	if err := s.ensureQdisc(e); err != nil {
		return err
	}
	got, err := s.set(e.conn, s.to, e.program())
	if err == nil {
		s.note(e, m, got)
	}
	return err
}

// note says what the kernel has done.
func (s *filterSteps) note(e *session, m *move, got *netlink.Filter) {
	if old := s.to.old; old != nil && m.old != 0 {
		gone := e.Known.Program(m.old)
		m.Gone = &gone
	}
	m.Attachment = &Attachment{
		Ifindex: m.Ifindex, Device: m.Device, Replaced: m.Gone,
		Filter: &FilterInfo{Filter: *got, Qdisc: s.at.kind, QdiscCreated: s.created, Was: s.to.old},
	}
	if p := e.program(); p != nil {
		m.Attachment.Program = p.Info
	}
}

// took: a filter of the place that was asked for runs the program.
func (s *filterSteps) took(e *session, m *move) (bool, error) {
	all, err := s.chain(e.conn)
	if err != nil {
		return false, err
	}
	sent := s.filter(s.to, e.program())
	if p := e.program(); p != nil {
		sent.BPF.ProgramID = p.ID
	}
	for _, f := range all { // the newest first
		if isSent(&sent, f) {
			s.note(e, m, f)
			return true, nil
		}
	}
	return false, nil
}

// isSent reports whether a filter may be what the kernel made of a request.
func isSent(sent, f *netlink.Filter) bool {
	return f.BPF != nil && f.BPF.ProgramID == sent.BPF.ProgramID && f.BPF.Name == sent.BPF.Name &&
		slices.Equal(f.BPF.Bytecode, sent.BPF.Bytecode) &&
		(sent.Pref == 0 || sent.Pref == f.Pref) && (sent.Handle == 0 || sent.Handle == f.Handle) &&
		(sent.Protocol == 0 || sent.Protocol == f.Protocol)
}

// again: the place was taken by someone else, who may have the same name, or the
// qdisc was deleted by whoever created it.
func (s *filterSteps) again(e *session, m *move, err error) bool {
	taken := s.to.reserved && errors.Is(err, os.ErrExist)
	if !taken {
		delete(e.Known.hooks, s.hook())
		now, findErr := s.findQdisc(e)
		if s.created || findErr != nil || !now.missing || !s.creates() {
			return false
		}
	}
	return s.look(e, m) == nil
}

func (s *filterSteps) confirm(e *session, m *move) {
	if m.Err != nil && s.created {
		s.deleteQdisc(e, m)
	}
	if m.Err != nil && s.to != nil {
		m.Err = s.explain(s.to.old, m.Err)
	}
}

var errNotOurs = errors.New("another filter has taken its place since")

// undo removes the filter, or has it be what it was.
func (s *filterSteps) undo(e *session, m *move) error {
	f := m.Attachment.Filter.Filter
	now, err := s.existing(e.conn, f)
	if err != nil {
		return err
	}
	if now == nil || now.BPF == nil || now.BPF.ProgramID != m.Attachment.Program.ID {
		return errNotOurs
	}
	if was := m.Attachment.Filter.Was; was != nil {
		return restoreFilter(e, *was)
	}
	err = e.conn.DeleteFilter(identity(f))
	if s.created && (err == nil || netlink.Unanswered(err)) {
		s.deleteQdisc(e, m)
	}
	return err
}

// restoreFilter sets a filter that was there, with its own name and class.
func restoreFilter(e *session, was netlink.Filter) error {
	options := *was.BPF
	if options.ProgramID != 0 {
		fd, err := e.restorable(options.ProgramID)
		if err != nil {
			return err
		}
		options.FD = fd
	}
	was.BPF = &options
	_, err := e.conn.ReplaceFilter(&was)
	return err
}

// identity is what tells one filter from all others.
func identity(f netlink.Filter) *netlink.Filter {
	f.BPF = nil
	return &f
}

// filter is what the kernel is told.
func (h Clsact) filter(to *target, p *prog.Program) netlink.Filter {
	f, options := h.Filter, *h.Filter.BPF
	if p != nil {
		options.FD = p.FD()
	}
	f.Kind, f.BPF = "bpf", &options
	f.Pref, f.Handle, f.Protocol = to.pref, to.handle, to.protocol
	return f
}

func (s *filterSteps) set(c *netlink.Conn, to *target, p *prog.Program) (*netlink.Filter, error) {
	f := s.filter(to, p)
	switch {
	case s.adds(), to.reserved:
		return c.AddFilter(&f)
	case s.Change:
		return c.ChangeFilter(&f)
	}
	return c.ReplaceFilter(&f)
}

// name is that of the hook's device, empty for a block.
func (h Clsact) name(e *session) string {
	if h.Filter.Block != 0 {
		return ""
	}
	return e.Known.name(e.conn, h.Filter.Ifindex)
}

func (h Clsact) attachments(e *session, filters []*netlink.Filter) []*Attachment {
	out := make([]*Attachment, len(filters))
	for i, f := range filters {
		out[i] = e.Known.classifier(h.name(e), f, "")
	}
	return out
}

// explain gives the reason of an errno that comes without a sentence.
func (s *filterSteps) explain(old *netlink.Filter, err error) error {
	h := s.Clsact
	refused, ok := errors.AsType[*netlink.Error](err)
	switch {
	case !ok || refused.Message != "":
	case refused.Errno() == unix.EOPNOTSUPP && h.Filter.BPF.SkipSW:
		return &prog.UnsuitableError{
			Cause: "the device takes no such filter: cards take those of ingress, as a rule", Offload: true, Type: ebpf.SchedCLS, Err: err,
		}
	case refused.Errno() == unix.EINVAL && old != nil && old.BPF != nil &&
		(old.BPF.SkipHW != h.Filter.BPF.SkipHW || old.BPF.SkipSW != h.Filter.BPF.SkipSW):
		return &prog.UnsuitableError{Cause: "skip_hw and skip_sw of a filter that is there cannot change: delete it first", Err: err}
	case refused.Errno() == unix.EINVAL && s.at.kind == kindClsact && h.Filter.Parent == netlink.Parent(netlink.MakeHandle(0xffff, 0)):
		return &prog.UnsuitableError{Cause: "a clsact qdisc has the hooks ingress and egress, not ffff:", Err: err}
	}
	return err
}
