package linkcmd

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// netkitRequest is what a line says of a netkit device. Nil is the kernel's
// default, or what is set.
type netkitRequest struct {
	Given     bool // type netkit
	Pair      netlink.NetkitPair
	PeerNetns string
	peer      bool // the word has been read
}

// Grammar is ip-link(8)'s, and what it lacks.
func (r *netkitRequest) Grammar() *grammar.Node {
	return grammar.Word("type").Later(r.kindGrammar).Exact().Check(r.Check).Help("the kind of device")
}

func (r *netkitRequest) kindGrammar() *grammar.Node {
	return grammar.Const("netkit", &r.Given, true, grammar.Any(
		grammar.Word("mode", grammar.Alt(
			choice(&r.Pair.Mode, netlink.NetkitL3, "with an IP header (the default)"),
			choice(&r.Pair.Mode, netlink.NetkitL2, "with an Ethernet header"),
		)).Exact().Help("what packets begin with"),
		policy(&r.Pair.Policy),
		scrub(&r.Pair.Scrub),
		grammar.Key("headroom", "N", grammar.Number(&r.Pair.Headroom, 1, 65535)).Exact().Help("bytes to keep free before a packet"),
		grammar.Key("tailroom", "N", grammar.Number(&r.Pair.Tailroom, 1, 65535)).Exact().Help("bytes to keep free after a packet"),
		grammar.Flag("single", &r.Pair.Single).Exact().Help("one device without a peer, which runs no programs"),
		grammar.Const("peer", &r.peer, true, grammar.Any(
			policy(&r.Pair.PeerPolicy),
			scrub(&r.Pair.PeerScrub),
			grammar.Key("netns", "NETNS", grammar.String(&r.PeerNetns)).Exact().Completes(grammar.Netns).Help("make the peer in this network namespace"),
			grammar.Alt(
				grammar.Key("name", "NAME", grammar.String(&r.Pair.Peer)).Exact().Help("the peer's name"),
				grammar.Value("NAME", grammar.String(&r.Pair.Peer)).Help("the same"),
			),
		)).Exact().Help("what follows is about the other device of the pair"),
	)).Exact().Help("a pair of devices with programs of their own")
}

// choice is one word for a value of an enumeration.
func choice[T fmt.Stringer](p **T, v T, help string) *grammar.Node {
	return grammar.Choice(v.String(), p, v).Exact().Help(help)
}

func policy(p **netlink.NetkitPolicy) *grammar.Node {
	return grammar.Alt(
		choice(p, netlink.NetkitForward, "pass packets that no program decides about (the default)"),
		choice(p, netlink.NetkitBlackhole, "drop them"),
	)
}

func scrub(p **netlink.NetkitScrub) *grammar.Node {
	return grammar.Word("scrub", grammar.Alt(
		choice(p, netlink.NetkitScrubDefault, "clear mark and priority (the default)"),
		choice(p, netlink.NetkitScrubNone, "leave them"),
	)).Exact().Help("what to do with packets that leave their network namespace")
}

func (r *netkitRequest) Check() error {
	if r.Pair.Single && r.peer {
		return errors.New("a single device has no peer")
	}
	return nil
}

type linkAddRequest struct {
	Name   string
	Netkit netkitRequest
}

// Add is the command link add, which creates a pair of netkit devices.
func Add() env.Command {
	return env.Command{
		Name:        "link add",
		Summary:     "create a pair of netkit devices",
		Description: `Creates a pair of devices whose programs "netkit attach" sets: what one sends the other receives. Both are down. The first is the primary one, through which the programs of both are attached. Other kinds of device are for ip-link(8).`,
		Examples: []grammar.Example{
			{Line: "xdpload link add nk0 type netkit mode l2 peer blackhole nk1 netns box", Help: "a pair whose peer, in the namespace box, sends nothing until a program lets it"},
			{Line: "xdpload link add nk0 type netkit single", Help: "one device without a peer"},
		},
		New: env.New(func(r *linkAddRequest) *grammar.Node {
			return grammar.Seq(
				grammar.Opt(grammar.Alt(
					grammar.Word("dev").Exact().Help("may be left out before the name"),
					grammar.Word("name").Exact().Help("the same"),
				)),
				grammar.Value("NAME", grammar.String(&r.Name)).Help("the name of the new device"),
				r.Netkit.Grammar(),
			)
		}),
	}
}

func (r *linkAddRequest) Run(_ context.Context, e *env.Env) (any, error) {
	return &deviceChange{Device: r.Name, Change: "created"}, env.About(r.Name, r.Add(e))
}

func (r *linkAddRequest) Add(e *env.Env) error {
	conn, err := e.Netlink()
	if err != nil {
		return err
	}
	pair := r.Netkit.Pair
	pair.Name = r.Name
	if r.Netkit.PeerNetns != "" {
		f, err := netns.Open(r.Netkit.PeerNetns)
		if err != nil {
			return err
		}
		defer f.Close()
		pair.PeerNetNS = int(f.Fd())
	}
	err = conn.AddNetkit(pair)
	if errors.Is(err, os.ErrExist) && pair.Peer == "" {
		return fmt.Errorf("%w; a peer without a name is called nk0, or the next that is free", err)
	}
	if err != nil {
		return err
	}
	return verify(conn, pair)
}

// verify takes back what a kernel has made that passed over a word which it
// does not know, as older ones do without a sign.
func verify(conn *netlink.Conn, want netlink.NetkitPair) error {
	dev, err := conn.Link(want.Name)
	if err != nil || dev.Netkit == nil {
		return err
	}
	have := dev.Netkit
	for _, w := range []struct {
		word          string
		wanted, given bool
	}{
		{"single", want.Single, have.Single},
		{"scrub", want.Scrub != nil || want.PeerScrub != nil, have.Scrub != nil},
		{"headroom", want.Headroom != 0, have.Headroom != 0},
		{"tailroom", want.Tailroom != 0, have.Tailroom != 0},
	} {
		if w.wanted && !w.given {
			err := fmt.Errorf("this kernel's netkit has no %s: %w", w.word, errors.ErrUnsupported)
			return errors.Join(err, conn.DeleteLink(dev.Index))
		}
	}
	return nil
}

type linkDelRequest struct {
	Device   string
	IfExists bool
}

// Delete is the command link delete.
func Delete() env.Command {
	return env.Command{
		Name:        "link delete|del",
		Summary:     "delete a device, or both of a pair",
		Description: `Deletes a device with all that is attached to it.`,
		Examples:    []grammar.Example{{Line: "xdpload link del nk0", Help: "delete the pair of nk0"}},
		New: env.New(func(r *linkDelRequest) *grammar.Node {
			return grammar.Seq(subject.DeviceGrammar(&r.Device),
				grammar.Any(grammar.Flag("if-exists", &r.IfExists).Help("no error if there is no such device")))
		}),
	}
}

func (r *linkDelRequest) Run(_ context.Context, e *env.Env) (any, error) {
	conn, dev, err := e.Link(r.Device)
	if r.IfExists && subject.AbsentDevice(err) {
		return &deviceChange{Device: r.Device, Change: "was not there"}, nil
	}
	if err == nil {
		err = subject.Made(e, conn.DeleteLink(dev.Index), func() (bool, error) {
			_, err := conn.LinkByIndex(dev.Index)
			return errors.Is(err, os.ErrNotExist), err
		})
	}
	return &deviceChange{Device: r.Device, Change: "deleted"}, env.About(r.Device, err)
}

// deviceChange is what became of a device.
type deviceChange struct {
	Device string `json:"device"`
	Change string `json:"change"`
}

func (*deviceChange) Changes() {}

// WriteText prints one line.
func (c *deviceChange) WriteText(t *render.Text, _ render.Options) {
	t.Printf("%s: %s\n", c.Device, c.Change)
}

// deviceChanges are those of a command that may have several devices.
type deviceChanges []*deviceChange

func (deviceChanges) Changes() {}

// WriteText prints a line for each.
func (l deviceChanges) WriteText(t *render.Text, o render.Options) {
	render.List[*deviceChange](l).WriteText(t, o)
}

// netkitDetails has ip's keys for what sets a netkit device apart, and after
// them ours.
type netkitDetails struct {
	Mode       *netlink.NetkitMode   `json:"mode,omitempty" text:" mode %v"`
	Type       string                `json:"type" always:" type %s"`
	Policy     *netlink.NetkitPolicy `json:"policy,omitempty" text:" policy %v"`
	PeerPolicy *netlink.NetkitPolicy `json:"peer_policy,omitempty" text:" peer policy %v"`
	Scrub      *netlink.NetkitScrub  `json:"scrub,omitempty" text:" scrub %v"`
	PeerScrub  *netlink.NetkitScrub  `json:"peer_scrub,omitempty" text:" peer scrub %v"`
	Headroom   uint16                `json:"headroom,omitempty" text:" headroom %d"`
	Tailroom   uint16                `json:"tailroom,omitempty" text:" tailroom %d"`
	Single     bool                  `json:"single,omitempty" text:" single"`
}

func reportNetkit(n *netlink.Netkit) *netkitDetails {
	if n == nil {
		return nil
	}
	d := &netkitDetails{
		Mode: n.Mode, Type: "peer", Policy: n.Policy, PeerPolicy: n.PeerPolicy, Scrub: n.Scrub, PeerScrub: n.PeerScrub,
		Headroom: n.Headroom, Tailroom: n.Tailroom, Single: n.Single,
	}
	if n.Primary {
		d.Type = "primary"
	}
	return d
}

func (d *netkitDetails) String() string { return render.Fields(d) }
