package netlink

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"golang.org/x/sys/unix"
)

// The kernel's list ends with EMSGSIZE at a filter that does not fit its largest
// message of 32 KiB (net/netlink/af_netlink.c, netlink_dump): a classic program
// of some 4040 instructions. Nothing makes it go on after that, so the rest is
// asked for one by one.

// handlesAsked is how many handles of a pref are asked for: the kernel chooses
// the lowest that is free.
const handlesAsked = 4096

// longFilters lists what q asks for although the kernel's list ends early.
func (c *Conn) longFilters(q FilterQuery) (all []*Filter, err error) {
	if q.Chain != nil {
		return c.longChain(q)
	}
	for ch, err := range c.Chains(&Chain{Ifindex: q.Ifindex, Parent: q.Parent, Block: q.Block}) {
		if err != nil {
			return all, err
		}
		q.Chain = &ch.Index
		filters, err := c.longChain(q)
		if all = append(all, filters...); err != nil {
			return all, err
		}
	}
	return all, nil
}

// longChain lists one chain, or one pref of it.
func (c *Conn) longChain(q FilterQuery) ([]*Filter, error) {
	all, err := c.filters(q)
	if !errors.Is(err, unix.EMSGSIZE) || len(all) == 0 {
		return all, err
	}
	last := *all[len(all)-1] // of the pref with the filter that does not fit
	found := slices.DeleteFunc(slices.Clone(all), func(f *Filter) bool { return f.Pref != last.Pref })
	rest, err := c.restOfPref(last, found)
	all = append(all, rest...)
	if err != nil || q.Pref != 0 {
		return all, err
	}
	prefs, err := c.prefsAfter(last)
	if err != nil {
		return all, err
	}
	for _, q.Pref = range prefs {
		rest, err := c.longChain(q)
		if all = append(all, rest...); err != nil {
			return all, err
		}
	}
	return all, nil
}

// restOfPref asks for the filters of a pref that the kernel's list left out.
func (c *Conn) restOfPref(f Filter, found []*Filter) (rest []*Filter, err error) {
	f.BPF, f.Head = nil, false
	var wanted []*Filter
	for f.Handle = handlesAsked; f.Handle > 0; f.Handle-- { // the youngest first, as the kernel does
		if !slices.ContainsFunc(found, func(other *Filter) bool { return other.Handle == f.Handle }) {
			one := f
			wanted = append(wanted, &one)
		}
	}
	got, errs := c.eachFilter("get filter", unix.RTM_GETTFILTER, 0, wanted)
	for i, err := range errs {
		switch e, _ := errors.AsType[*Error](err); {
		case err == nil:
			rest = append(rest, got[i])
		case e.Errno() == unix.EINVAL: // older kernels have no room for it in an answer either
			wanted[i].Unlisted = true
			rest = append(rest, wanted[i])
		case !errors.Is(err, fs.ErrNotExist):
			return rest, err
		}
	}
	if len(rest) == 0 {
		err = newError("list filters", f.Ifindex, fmt.Errorf(
			"a filter of chain %d pref %d with a handle above %d does not fit the kernel's list, which ends there: %w",
			f.Chain, f.Pref, handlesAsked, unix.EMSGSIZE))
	}
	return rest, err
}

// prefsAfter finds the prefs of f's chain that come after f's. Of a handle that
// is not there the kernel says something else than of a pref that is not there;
// what that is, f's pref tells.
func (c *Conn) prefsAfter(f Filter) (prefs []uint16, err error) {
	f.BPF, f.Head, f.Kind, f.Protocol, f.Handle = nil, false, "", 0, 0
	var wanted []*Filter
	for pref := int(f.Pref); pref <= math.MaxUint16; pref++ {
		one := f
		one.Pref = uint16(pref)
		wanted = append(wanted, &one)
	}
	_, errs := c.eachFilter("get filter", unix.RTM_GETTFILTER, 0, wanted)
	noHandle, _ := errors.AsType[*Error](errs[0])
	for i, err := range errs[1:] {
		e, _ := errors.AsType[*Error](err)
		switch {
		case err == nil, noHandle != nil && e != nil && *e == *noHandle:
			prefs = append(prefs, wanted[i+1].Pref)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return prefs, nil
}
