package xdpload

import "github.com/xdpload/xdpload/netlink"

// A Classification is a program and the hook that shall run it.
type Classification struct {
	Program *Program
	// Hook is one that [Clsact.Find] or [Clsact.FoundLike] has returned, with
	// FilterAdd.
	Hook Clsact
}

// AttachAll does [Attach] for many filters, with as many requests in flight as one
// socket holds. The results have the attachment or the error of each in its
// place; one that is refused keeps none of the others from being attached, and no
// qdisc is created or deleted for any.
func AttachAll(c *netlink.Conn, all []Classification) ([]*Attachment, []error) {
	filters := make([]*netlink.Filter, len(all))
	for i, x := range all {
		f := x.Hook.filter(x.Hook.asked(), x.Program)
		filters[i] = &f
	}
	got, errs := c.AddFilters(filters)
	out := make([]*Attachment, len(all))
	for i, x := range all {
		at := x.Hook.place
		if at == nil {
			at = &place{device: x.Hook.device(c)}
		}
		if errs[i] != nil {
			errs[i] = x.Hook.explain(at, errs[i])
			continue
		}
		out[i] = x.Hook.attached(at, got[i], x.Program, nil)
	}
	return out, errs
}
