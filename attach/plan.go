package attach

import (
	"context"

	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// A Plan says what shall run where. It is a value: nothing happens until [Apply].
type Plan struct {
	// Source is what shall run there; nil takes off what is there.
	Source Source
	// Hook is the place.
	Hook Hook
	// Replace lets the program take the place of another, with no moment in between
	// in which neither runs: of the XDP program in the same mode; of the filter that
	// has the Handle of the hook's or, without one, its name and chain, and its Pref
	// and Protocol where those are set; with Link, of what the bpf_link holds that is
	// pinned there. It adds where there is none, and a filter that has neither a Handle
	// nor a name, such as one of classic BPF, always. Several filters with the name
	// are an [*AmbiguousError]. A [TCX] or [Netkit] hook has room for all: to take the
	// place of one there, see the anchor [Replace].
	//
	// A bpf_link, and without one an XDP program, is compared and swapped:
	// Attachment.Replaced is what was replaced, unless it is Uncompared.
	Replace bool
	// Idempotent changes nothing if a program that does the same is in the place
	// already, see [Attachment]: for a filter, under the same name, with the same
	// class, flags, police and actions, and with the Pref, Handle and Protocol of
	// the hook's where those are set.
	Idempotent bool
	// Link is a path on a BPF file system: the program is held by a bpf_link that is
	// pinned there, and taken off with that pin. Empty: the program itself is
	// attached, and stays until it is taken off. No bpf_link holds a filter:
	// errors.ErrUnsupported.
	Link string
	// Keep is a path on a BPF file system: the program that is replaced, or taken off, is
	// pinned there before it is, with what the load pins, all or none; a filter's only if it is replaced. Attachment.Kept says
	// whether there was one. It takes CAP_SYS_ADMIN, and makes the plans of the source
	// atomic: see [Options]. Empty: the program goes when nothing else holds it.
	Keep string
}

// A Source is where the program of plans comes from. Plans that share one share
// its program.
type Source interface {
	// Load makes the program ready, if it is not.
	Load(context.Context) error
	// Program is nil before Load, and where the hook itself says what runs: classic
	// BPF.
	Program() *prog.Program
	// FilterName is the name of a filter that runs the program and has none from its
	// hook: see the function [FilterName]. Empty for none.
	FilterName() string
	// Does reports whether a program that is attached does the same.
	Does(attached prog.Info) (bool, error)
	// Uncommitted is what the load has still to publish, nil for nothing.
	Uncommitted() Uncommitted
}

// Open is a [Source] of a program that is open, which stays the caller's; nil for
// classic BPF.
func Open(p *prog.Program) Source { return opened{p} }

type opened struct{ p *prog.Program }

func (o opened) Load(context.Context) error { return nil }

func (o opened) Program() *prog.Program { return o.p }

func (o opened) FilterName() string {
	if o.p == nil || o.p.Name == "" {
		return ""
	}
	return FilterName(o.p.Name, "*fsobj")
}

func (o opened) Does(attached prog.Info) (bool, error) {
	if o.p == nil {
		return true, nil // the hook has compared
	}
	return o.p.Does(attached)
}

func (opened) Uncommitted() Uncommitted { return nil }

// Uncommitted is what a load has made beside the program, and what becomes seen
// together with the change of hooks, or not at all.
type Uncommitted interface {
	// Transaction begins that of the pins, if it has not begun.
	Transaction() (*pin.Txn, error)
	// Publish makes the pins visible.
	Publish(context.Context) error
	// Attaching notes that the program is about to be attached.
	Attaching() error
	// Commit makes pins and slots of program arrays permanent. After an error they
	// are as they were.
	Commit() error
	// Close takes back what is not committed, and forgets the load.
	Close() error
}

// An Outcome is what became of one plan.
type Outcome struct {
	Device  string // empty for a block of filters that qdiscs share
	Ifindex int    // 0 for a block, and where no device has the name
	// Attachment is what is there now, and after taking off what was there; nil
	// if that was nothing, and if Err or Undone is set.
	Attachment *Attachment
	// Gone is the program that ran there before and does no more, nil if none.
	Gone *prog.Info
	// Undone says that the kernel took the change, which was then taken back
	// because another plan was refused: see [Options].
	Undone bool
	// Err is a refusal: an [*OccupiedError], an [*AmbiguousError], a [*HookError], a
	// [*netlink.Error] or a [*prog.UnsuitableError], or [ErrNotTried].
	Err error
}

// Changed reports whether the hook is not as it was before.
func (o Outcome) Changed() bool {
	return o.Err == nil && !o.Undone && o.Attachment != nil && !o.Attachment.Unchanged
}

// Options say how plans are applied together.
type Options struct {
	// Atomic takes everything back when a plan is refused, or when the context
	// ends: every hook has what it had before, compared and swapped where the
	// kernel can. What others have put there in the meantime stays, and is that
	// plan's error. Atomic plans share one Source.
	Atomic bool
	// InOrder keeps plans behind one that is refused from being carried out.
	InOrder bool
	// Root is the BPF file system on which arrays are kept alive, see [Release];
	// [pin.DefaultRoot] if empty.
	Root string
	// Known is what the caller has looked up already, nil for nothing.
	Known *Inventory
	// Warn, if not nil, is told what failed after the kernel had taken a change,
	// which is no reason to say that it had not.
	Warn func(error)
}
