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
	got, errs := c.setFilters(op, []*Filter{f}, flags)
	return got[0], errs[0]
}

// AddFilters does [Conn.AddFilter] for many, with as many requests in flight as
// one socket holds. The results have the filter or the error of each in its
// place. The kernel adds them one after the other, and goes on after one that it
// refuses.
func (c *Conn) AddFilters(filters []*Filter) (got []*Filter, errs []error) {
	return c.setFilters("add filter", filters, netlink.Create|netlink.Excl)
}

func (c *Conn) setFilters(op string, filters []*Filter, flags netlink.HeaderFlags) (got []*Filter, errs []error) {
	got, errs = c.eachFilter(op, unix.RTM_NEWTFILTER, flags, filters)
	for i, f := range filters {
		switch {
		case errs[i] != nil:
			got[i] = nil
			if f.BPF != nil {
				errs[i] = explainBytecode(errs[i], f.BPF.Bytecode)
			}
		case got[i] == nil: // the kernel could not fit it in its notification
			same := *f
			got[i] = &same
		}
	}
	return got, errs
}

// eachFilter makes a request about each filter. Where the kernel answers with one, got
// has it in its place.
func (c *Conn) eachFilter(op string, typ uint16, flags netlink.HeaderFlags, filters []*Filter) (got []*Filter, errs []error) {
	requests := make([]request, len(filters))
	for i, f := range filters {
		requests[i] = filterRequest(op, typ, flags|netlink.Echo, f)
	}
	got = make([]*Filter, len(filters))
	return got, c.changeEchoed(requests, func(i int, m netlink.Message) error {
		if m.Header.Type != unix.RTM_NEWTFILTER {
			return nil
		}
		got[i] = new(Filter)
		return got[i].decode(m.Data)
	})
}

// DeleteFilter deletes the filter that f identifies, which with a Handle needs
// Pref and Kind too. Without Handle it deletes all of f.Pref. Without Pref, and
// then Protocol and Kind must be unset too, it deletes all of f.Chain; other
// chains stay. Deleting what is not there is [os.ErrNotExist], except a whole
// chain, and EINVAL if even the qdisc is missing.
func (c *Conn) DeleteFilter(f *Filter) error {
	return c.change(filterRequest("delete filter", unix.RTM_DELTFILTER, 0, f))
}

// Filter finds the one filter that f identifies by its hook, Chain, Pref,
// Protocol, Handle and Kind, all of which the kernel wants.
func (c *Conn) Filter(f *Filter) (*Filter, error) {
	return get(c, filterRequest("get filter", unix.RTM_GETTFILTER, netlink.Echo|netlink.Acknowledge, f), (*Filter).decode)
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
	return sequence(func() ([]*Filter, error) {
		all, err := c.filters(q)
		if errors.Is(err, unix.EMSGSIZE) {
			return c.longFilters(q)
		}
		return all, err
	})
}

// filters is the kernel's list, or what of it came before an error.
func (c *Conn) filters(q FilterQuery) ([]*Filter, error) {
	m := hook(q.Ifindex, q.Block, q.Parent)
	m.info = info(q.Pref, q.Protocol)
	r := tcRequest("list filters", unix.RTM_GETTFILTER, 0, m)
	if q.Chain != nil {
		r.u32(unix.TCA_CHAIN, *q.Chain)
	}
	return list(c, r, (*Filter).decode)
}
