package netlink

import (
	"errors"
	"iter"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// AddFilter creates a filter and returns it as the kernel has it, with the
// pref, handle and program id that came out of it. One with the same pref,
// handle, protocol and chain is [os.ErrExist]; a hook without its qdisc is
// EINVAL ("Parent Qdisc doesn't exists").
func (c *Conn) AddFilter(f *Filter) (*Filter, error) {
	return c.setFilter("add filter", f, netlink.Create|netlink.Excl)
}

// ReplaceFilter changes the filter with f's pref, handle, protocol and chain in
// place, or creates it; with Pref or Handle 0 it always creates. It returns
// the filter as AddFilter does. Every packet meets the old or the new one.
func (c *Conn) ReplaceFilter(f *Filter) (*Filter, error) {
	return c.setFilter("replace filter", f, netlink.Create)
}

// ChangeFilter changes a filter that exists; otherwise it is [os.ErrNotExist].
// It returns the filter as AddFilter does.
func (c *Conn) ChangeFilter(f *Filter) (*Filter, error) {
	return c.setFilter("change filter", f, 0)
}

func (c *Conn) setFilter(op string, f *Filter, flags netlink.HeaderFlags) (*Filter, error) {
	r, err := filterRequest(op, unix.RTM_NEWTFILTER, flags|netlink.Echo, f, true)
	if err != nil {
		return nil, newError(op, f.Ifindex, err)
	}
	// Kernels that cannot fit the filter in their notification send none.
	got := *f
	err = c.change(r, func(m netlink.Message) error {
		if m.Header.Type != unix.RTM_NEWTFILTER {
			return nil
		}
		got = Filter{}
		return got.decode(m.Data)
	})
	if err != nil && f.BPF != nil {
		err = explainBytecode(err, f.BPF.Bytecode)
	}
	if err != nil {
		return nil, err
	}
	return &got, nil
}

// DeleteFilter deletes the filter that f identifies, which with a Handle needs
// Pref and Kind too. Without Handle it deletes all of f.Pref. Without Pref, and
// then Protocol and Kind must be unset too, it deletes all of f.Chain; other
// chains stay. Deleting what is not there is [os.ErrNotExist], except a whole
// chain, and EINVAL if even the qdisc is missing.
func (c *Conn) DeleteFilter(f *Filter) error {
	r, err := filterRequest("delete filter", unix.RTM_DELTFILTER, 0, f, false)
	if err != nil {
		return newError(r.op, f.Ifindex, err)
	}
	return c.change(r, nil)
}

// Filter finds the one filter that f identifies by its hook, Chain, Pref,
// Protocol, Handle and Kind, all of which the kernel wants.
func (c *Conn) Filter(f *Filter) (*Filter, error) {
	r, err := filterRequest("get filter", unix.RTM_GETTFILTER, netlink.Echo|netlink.Acknowledge, f, false)
	if err != nil {
		return nil, newError(r.op, f.Ifindex, err)
	}
	got := new(Filter)
	if err := c.get(r, got.decodeMessage); err != nil {
		return nil, err
	}
	return got, nil
}

// A FilterQuery says which filters [Conn.Filters] lists.
type FilterQuery struct {
	// Ifindex and Parent are the hook; or Block, if it is not 0, a shared
	// block. A hook that uses a shared block lists the block's.
	Ifindex int
	Parent  Parent
	Block   uint32

	// Where not nil or 0, only the filters that have these.
	Chain    *uint32
	Pref     uint16
	Protocol Protocol
}

// Filters lists the filters of a hook in the order in which packets meet them,
// handles newest first, each pref of a chain opened by a Filter with Head set.
// A hook without its qdisc, a block and a device that do not exist have none.
//
// The kernel's own list ends at a classic program of more than some 4040
// instructions. It and the filters after it are asked for one by one, which
// takes a fraction of a second: of the same pref those with handles to 4096,
// the youngest first if the kernel chose them; where none of these is the long
// one, the list ends with EMSGSIZE.
func (c *Conn) Filters(q FilterQuery) iter.Seq2[*Filter, error] {
	return func(yield func(*Filter, error) bool) {
		all, err := c.filters(q)
		if errors.Is(err, unix.EMSGSIZE) {
			all, err = c.longFilters(q)
		}
		for _, f := range all {
			if !yield(f, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// filters is the kernel's list, or what of it came before an error.
func (c *Conn) filters(q FilterQuery) (all []*Filter, err error) {
	m := hook(q.Ifindex, q.Block, q.Parent)
	m.info = info(q.Pref, q.Protocol)
	r := tcRequest("list filters", unix.RTM_GETTFILTER, m)
	if q.Chain != nil {
		e := encoder{b: r.body}
		e.u32(unix.TCA_CHAIN, *q.Chain)
		r.body = e.b
	}
	err = c.dump(r, func() { all = all[:0] }, func(m netlink.Message) error {
		f := new(Filter)
		all = append(all, f)
		return f.decodeMessage(m)
	})
	return all, err
}
