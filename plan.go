package xdpload

import (
	"cmp"
	"context"
	"iter"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/netlink"
)

// A Plan says what shall run where: see [attach.Plan].
type Plan = attach.Plan

// A Source is where the program of plans comes from: an [Object], or what [Open]
// returns.
type Source = attach.Source

// Options say how plans are applied together.
type Options = attach.Options

// An Outcome is what became of one plan.
type Outcome = attach.Outcome

// Apply carries plans out: see [attach.Apply]. What its Options do not say, an
// [Object] gets from the plans: one whose selector names no type of program is of
// the type that its first hook runs. Options without a Root have that of its pins.
func Apply(ctx context.Context, c *netlink.Conn, plans []Plan, o Options) (all []Outcome, err error) {
	bound := false
	for _, p := range plans {
		if s, ok := p.Source.(*Object); ok {
			s.Options.Select.Type = cmp.Or(s.Options.Select.Type, p.Hook.ProgramType())
			o.Root = cmp.Or(o.Root, s.Options.Pins.Root)
			bound = bound || s.Options.Ifindex != 0
		}
	}
	if !bound {
		return attach.Apply(ctx, c, plans, o)
	}
	err = c.InNetNS(func() error { // where a load finds the device
		all, err = attach.Apply(ctx, c, plans, o)
		return err
	})
	return all, err
}

// List lists the programs on every hook of a device, in the order in which a
// packet meets them; 0 stands for all devices: see [attach.Attachments].
func List(c *netlink.Conn, ifindex int) iter.Seq2[*attach.Attachment, error] {
	return attach.Attachments(c, ifindex)
}
