package xdpload

import (
	"cmp"
	"errors"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/netlink"
)

// Clsact is the hook of a classifier: a place on a clsact or ingress qdisc, on a
// shared block, or on a qdisc with classes, and the bpf filter that runs
// the program there.
//
// On netlink.Ingress and netlink.Egress, Attach creates the clsact qdisc where
// the device has neither clsact nor ingress, and deletes it again when it
// then fails.
type Clsact struct {
	// Filter is the place, and how the program runs there. Its Kind is "bpf";
	// Attach sets FD. With Bytecode, Attach takes no program. Protocol 0
	// stands for netlink.ProtocolAll, except to change and to detach, where
	// it stands for any.
	Filter netlink.Filter
	// Idempotent has Attach change nothing if the hook has a filter with the
	// same name, class and action, and with the Pref, Handle and Protocol of
	// Filter where those are set, whose program does the same: see
	// [Attachment].
	Idempotent bool
	// Op is what Attach does about a filter that is there already.
	Op FilterOp
}

// FilterOp is what [Attach] does with a filter that is in the place already.
type FilterOp uint8

// What Attach does.
const (
	// FilterAdd refuses: os.ErrExist.
	FilterAdd FilterOp = iota
	// FilterReplace takes its place, with no moment in between in which
	// neither runs, and adds a filter where there is none. A Filter without
	// Handle stands for the one with its name and chain on the hook, and with
	// its Pref and Protocol where those are set; more than one is an
	// [*AmbiguousError]. A filter without a name, such as Bytecode, is always
	// added.
	FilterReplace
	// FilterChange does the same, but never adds: os.ErrNotExist.
	FilterChange
)

// FilterInfo is what an [Attachment] of a classifier has beside its program.
type FilterInfo struct {
	netlink.Filter
	// Qdisc is the kind of the qdisc whose ingress or egress hook this is.
	Qdisc string
	// QdiscCreated reports that Attach created the qdisc.
	QdiscCreated bool
}

// ProgramType is [ebpf.SchedCLS].
func (Clsact) ProgramType() ebpf.ProgramType { return ebpf.SchedCLS }

// Check tells whether Attach would find its hook, before a program is loaded
// for it. The error is what the kernel says of a hook that is not there, a
// [*NoEgressError], or an [*AmbiguousError].
func (h Clsact) Check(c *netlink.Conn) error {
	q, err := h.qdisc(c)
	if err != nil {
		return err
	}
	if q.missing && !h.creates() || h.Filter.Block == 0 && q.shares(h.Filter.Parent) {
		if err := h.refusal(c); err != nil {
			return err
		}
	}
	_, _, err = h.target(c)
	return err
}

func (h Clsact) attach(c *netlink.Conn, p *Program) (*Attachment, error) {
	for range attempts {
		f, old, err := h.target(c)
		if err != nil {
			return nil, err
		}
		q, err := h.ensureQdisc(c)
		if err != nil {
			return nil, err
		}
		got, err := h.set(c, f, p)
		if err == nil {
			return h.attached(c, got, p, q, old), nil
		}
		if q.created {
			h.undo(c)
		} else if now, qdiscErr := h.qdisc(c); qdiscErr == nil && now.missing && h.creates() {
			continue // deleted by whoever created it
		}
		return nil, h.explain(q, err)
	}
	return nil, errUnsettled
}

// target is the filter to send, and the one that it replaces, if known.
func (h Clsact) target(c *netlink.Conn) (f netlink.Filter, old *netlink.Filter, err error) {
	f = h.Filter
	f.Kind = "bpf"
	options := netlink.BPFFilter{}
	if f.BPF != nil {
		options = *f.BPF
	}
	f.BPF = &options
	if f.Protocol == 0 && h.Op != FilterChange {
		f.Protocol = netlink.ProtocolAll
	}
	switch {
	case h.Op == FilterAdd:
		return f, nil, nil
	case f.Handle != 0 && f.Pref != 0:
		return f, h.existing(c, f), nil
	case f.Handle != 0 || options.Name == "":
		return f, nil, nil
	}
	same, err := h.Named(c)
	if err != nil {
		return f, nil, err
	}
	if len(same) > 1 {
		return f, nil, &AmbiguousError{Device: h.device(c), Attachments: h.attachments(c, same)}
	}
	if len(same) == 1 {
		old = same[0]
		f.Pref, f.Handle, f.Protocol = old.Pref, old.Handle, old.Protocol
	}
	return f, old, nil
}

// Named lists the filters on the hook that have the name, the chain and, where
// they are set, the pref and the protocol of h's.
func (h Clsact) Named(c *netlink.Conn) ([]*netlink.Filter, error) {
	var same []*netlink.Filter
	q := netlink.FilterQuery{
		Ifindex: h.Filter.Ifindex, Parent: h.Filter.Parent, Block: h.Filter.Block,
		Chain: &h.Filter.Chain, Pref: h.Filter.Pref, Protocol: h.Filter.Protocol,
	}
	for f, err := range c.Filters(q) {
		if err != nil {
			return nil, err
		}
		if f.BPF != nil && h.Filter.BPF != nil && f.BPF.Name == h.Filter.BPF.Name {
			same = append(same, f)
		}
	}
	return same, nil
}

// existing is nil if there is none, or if that cannot be known.
func (h Clsact) existing(c *netlink.Conn, f netlink.Filter) *netlink.Filter {
	f.BPF = nil
	old, err := c.Filter(&f)
	if err != nil || old.Handle != f.Handle {
		return nil
	}
	return old
}

func (h Clsact) set(c *netlink.Conn, f netlink.Filter, p *Program) (*netlink.Filter, error) {
	if p != nil {
		f.BPF.FD = p.FD()
	}
	switch h.Op {
	case FilterReplace:
		return c.ReplaceFilter(&f)
	case FilterChange:
		return c.ChangeFilter(&f)
	case FilterAdd:
	}
	return c.AddFilter(&f)
}

func (h Clsact) attached(c *netlink.Conn, got *netlink.Filter, p *Program, q qdisc, old *netlink.Filter) *Attachment {
	a := &Attachment{
		Ifindex: h.Filter.Ifindex, Device: h.device(c),
		Filter: &FilterInfo{Filter: *got, Qdisc: q.kind, QdiscCreated: q.created},
	}
	if p != nil {
		a.Program = p.ProgramInfo
	}
	if old != nil {
		var known Inventory
		was := known.Program(old.BPF.ProgramID)
		a.Replaced = &was
	}
	return a
}

// device is the name of the hook's device, empty for a block.
func (h Clsact) device(c *netlink.Conn) string {
	if h.Filter.Block != 0 {
		return ""
	}
	l, err := c.LinkByIndex(h.Filter.Ifindex)
	if err != nil {
		return ""
	}
	return l.Name
}

func (h Clsact) attachments(c *netlink.Conn, filters []*netlink.Filter) []*Attachment {
	var known Inventory
	out := make([]*Attachment, len(filters))
	for i, f := range filters {
		out[i] = known.classifier(h.device(c), f, "")
	}
	return out
}

// explain gives the reason of an EINVAL that comes without a sentence.
func (h Clsact) explain(q qdisc, err error) error {
	refused, ok := errors.AsType[*netlink.Error](err)
	if ok && refused.Errno() == unix.EINVAL && refused.Message == "" &&
		q.kind == kindClsact && h.Filter.Parent == netlink.Parent(netlink.MakeHandle(0xffff, 0)) {
		return &UnsuitableError{Cause: "a clsact qdisc has the hooks ingress and egress, not ffff:", Err: err}
	}
	return err
}

// detach deletes the filter that has h's pref and handle, or without them the
// one that has its name.
func (h Clsact) detach(c *netlink.Conn) (*Attachment, error) {
	f := h.Filter
	f.Kind = "bpf"
	if f.Handle == 0 {
		same, err := h.Named(c)
		if err != nil || len(same) == 0 {
			return nil, err
		}
		if len(same) > 1 {
			return nil, &AmbiguousError{Device: h.device(c), Attachments: h.attachments(c, same)}
		}
		f = *same[0]
	}
	old := h.existing(c, f)
	if err := c.DeleteFilter(&netlink.Filter{
		Ifindex: f.Ifindex, Parent: f.Parent, Block: f.Block, Chain: f.Chain,
		Pref: f.Pref, Protocol: f.Protocol, Handle: f.Handle, Kind: f.Kind,
	}); err != nil {
		return nil, err
	}
	if old == nil {
		return nil, nil
	}
	return h.attachments(c, []*netlink.Filter{old})[0], nil
}

// classifier describes a bpf filter.
func (v *Inventory) classifier(device string, f *netlink.Filter, qdisc string) *Attachment {
	a := &Attachment{Ifindex: f.Ifindex, Device: device, Filter: &FilterInfo{Filter: *f, Qdisc: qdisc}}
	if f.BPF != nil && f.BPF.ProgramID != 0 {
		a.Program = v.Program(f.BPF.ProgramID)
	}
	return a
}

// Classifiers lists the programs that the filters on a device's clsact or ingress
// qdisc run: what comes in first, then what goes out; of a hook, chain 0 and
// then the chains that a filter there may send packets to.
func (v *Inventory) Classifiers(c *netlink.Conn, l *netlink.Link) ([]*Attachment, error) {
	kinds, err := v.qdiscKinds(c)
	if err != nil {
		return nil, err
	}
	q := qdisc{kind: kinds[l.Index]}
	var out []*Attachment
	for _, parent := range q.hooks() {
		filters, err := programsOn(c, netlink.FilterQuery{Ifindex: l.Index, Parent: parent})
		if err != nil {
			return nil, err
		}
		for _, f := range filters {
			out = append(out, v.classifier(l.Name, f, q.kind))
		}
	}
	return out, nil
}

// qdiscKinds asks for all devices at once: the kernel lists them all, whichever
// device is asked for.
func (v *Inventory) qdiscKinds(c *netlink.Conn) (map[int]string, error) {
	if v.qdiscs != nil {
		return v.qdiscs, nil
	}
	kinds := make(map[int]string)
	for q, err := range c.Qdiscs(0) {
		if err != nil {
			return nil, err
		}
		if q.Parent == netlink.HandleClsact {
			kinds[q.Ifindex] = q.Kind
		}
	}
	v.qdiscs = kinds
	return kinds, nil
}

func programsOn(c *netlink.Conn, q netlink.FilterQuery) ([]*netlink.Filter, error) {
	var filters []*netlink.Filter
	for f, err := range c.Filters(q) {
		if err != nil {
			return nil, err
		}
		if f.BPF != nil && f.BPF.ProgramID != 0 {
			filters = append(filters, f)
		}
	}
	slices.SortStableFunc(filters, func(a, b *netlink.Filter) int { return cmp.Compare(a.Chain, b.Chain) })
	return filters, nil
}
