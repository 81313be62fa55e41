package xdpload

import (
	"cmp"
	"errors"
	"os"
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
	// Device is the device's name. Attach looks it up where it is empty.
	Device string

	place  *place
	target *target
}

// A place is what was found of a hook.
type place struct {
	device string // empty for a block
	qdisc
}

// A target is what identifies the filter to set, and the one that is there, if
// known.
type target struct {
	pref     uint16
	handle   uint32
	protocol netlink.Protocol
	old      *netlink.Filter
	claimed  bool // it must be free
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
	// Qdisc is the kind of the qdisc whose ingress or egress hook this is, empty
	// where it was not looked at.
	Qdisc string
	// QdiscCreated reports that Attach created the qdisc.
	QdiscCreated bool
	// Was is the filter whose place Attach gave it, nil if none.
	Was *netlink.Filter
}

// ProgramType is [ebpf.SchedCLS].
func (Clsact) ProgramType() ebpf.ProgramType { return ebpf.SchedCLS }

// Find looks for the hook before a program is loaded for it, and returns h with
// what it found, so that [Attach] need not look again. The error is what the
// kernel says of a hook that is not there, a [*NoEgressError], or an
// [*AmbiguousError].
func (h Clsact) Find(c *netlink.Conn) (Clsact, error) {
	to, err := h.aim(c)
	if err != nil {
		return h, err
	}
	h.target = to
	if to.old != nil && h.Filter.Parent == netlink.Ingress { // whatever kind of qdisc it is on
		h.place = &place{device: h.device(c)}
		return h, nil
	}
	found, err := h.find(c)
	if err != nil {
		return h, err
	}
	if found.missing && !h.creates() || found.shares(h.Filter.Parent) {
		if err := h.refusal(c); err != nil {
			return h, err
		}
	}
	h.place = found
	return h, nil
}

// FoundLike returns h with the place that other has found, which must be the
// same hook of the same device: for many filters there.
func (h Clsact) FoundLike(other Clsact) Clsact {
	if other.place != nil {
		same := *other.place
		if same.missing { // before other was attached
			same.qdisc = qdisc{kind: kindClsact}
		}
		h.place = &same
	}
	return h
}

func (h Clsact) attach(c *netlink.Conn, p *Program) (*Attachment, error) {
	created := false
	for range attempts {
		to, at := h.target, h.place
		h.target, h.place = nil, nil // good for one attempt
		var err error
		if to == nil {
			if to, err = h.aim(c); err != nil {
				return nil, err
			}
		}
		if at, err = h.ensureQdisc(c, at); err != nil {
			return nil, err
		}
		created = created || at.created
		got, err := h.set(c, to, p)
		if err == nil {
			at.created = created
			return h.attached(at, got, p, to.old), nil
		}
		if to.claimed && errors.Is(err, os.ErrExist) {
			continue // taken by someone else, who may have the same name
		}
		if created {
			h.undo(c)
		} else if now, findErr := h.find(c); findErr == nil && now.missing && h.creates() {
			continue // deleted by whoever created it
		}
		return nil, h.explain(at, err)
	}
	return nil, errUnsettled
}

// filter is what the kernel is told.
func (h Clsact) filter(to *target, p *Program) netlink.Filter {
	f, options := h.Filter, netlink.BPFFilter{}
	if f.BPF != nil {
		options = *f.BPF
	}
	if p != nil {
		options.FD = p.FD()
	}
	f.Kind, f.BPF = "bpf", &options
	f.Pref, f.Handle, f.Protocol = to.pref, to.handle, to.protocol
	return f
}

func (h Clsact) set(c *netlink.Conn, to *target, p *Program) (*netlink.Filter, error) {
	f := h.filter(to, p)
	switch {
	case h.Op == FilterAdd, to.claimed:
		return c.AddFilter(&f)
	case h.Op == FilterChange:
		return c.ChangeFilter(&f)
	}
	return c.ReplaceFilter(&f)
}

func (h Clsact) attached(at *place, got *netlink.Filter, p *Program, old *netlink.Filter) *Attachment {
	a := &Attachment{
		Ifindex: h.Filter.Ifindex, Device: at.device,
		Filter: &FilterInfo{Filter: *got, Qdisc: at.kind, QdiscCreated: at.created, Was: old},
	}
	if p != nil {
		a.Program = p.ProgramInfo
	}
	if old != nil && old.BPF != nil && old.BPF.ProgramID != 0 {
		var known Inventory
		was := known.Program(old.BPF.ProgramID)
		a.Replaced = &was
	}
	return a
}

// device is the name of the hook's device, empty for a block.
func (h Clsact) device(c *netlink.Conn) string {
	switch {
	case h.Filter.Block != 0:
		return ""
	case h.Device != "":
		return h.Device
	case h.place != nil:
		return h.place.device
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

// explain gives the reason of an errno that comes without a sentence.
func (h Clsact) explain(at *place, err error) error {
	refused, ok := errors.AsType[*netlink.Error](err)
	switch {
	case !ok || refused.Message != "":
	case refused.Errno() == unix.EOPNOTSUPP && h.Filter.BPF != nil && h.Filter.BPF.SkipSW:
		return &UnsuitableError{
			Cause: "the device takes no such filter: cards take those of ingress, as a rule", Offload: true, Type: ebpf.SchedCLS, Err: err,
		}
	case refused.Errno() == unix.EINVAL && at.kind == kindClsact && h.Filter.Parent == netlink.Parent(netlink.MakeHandle(0xffff, 0)):
		return &UnsuitableError{Cause: "a clsact qdisc has the hooks ingress and egress, not ffff:", Err: err}
	}
	return err
}

// detach deletes the filter that has h's pref and handle, or without them the
// one that has its name.
func (h Clsact) detach(c *netlink.Conn) (*Attachment, error) {
	if err := CheckHook(c, h.Filter.Ifindex, h.Filter.Parent); err != nil {
		return nil, err
	}
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
	var gone *Attachment // as it is now: afterwards the kernel may know nothing of its program
	if old := h.existing(c, f); old != nil {
		gone = h.attachments(c, []*netlink.Filter{old})[0]
	}
	if err := c.DeleteFilter(&netlink.Filter{
		Ifindex: f.Ifindex, Parent: f.Parent, Block: f.Block, Chain: f.Chain,
		Pref: f.Pref, Protocol: f.Protocol, Handle: f.Handle, Kind: f.Kind,
	}); err != nil {
		return nil, err
	}
	return gone, nil
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
		if errors.Is(err, unix.EMSGSIZE) {
			break // classic BPF that cannot be listed: better the rest than nothing
		}
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
