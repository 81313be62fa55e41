package checkcmd

import (
	"cmp"
	"context"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
)

type preflightRequest struct {
	Device  string
	Mode    netlink.XDPMode
	Program subject.ProgramRequest
}

// Check is the command check, which looks at what would keep a program from being attached.
func Check() env.Command {
	return env.Command{
		Name:    "check",
		Summary: "say what is in the way of attaching an XDP program, and change nothing",
		Description: `Looks at a device, at this process and, if one is named, at an object, and says what would make "link set" fail: missing capabilities, a driver without the mode, an MTU or queues that do not suit, large receive offload, a program or bpf_link that is there and whose it is, pins without a BPF file system, kernel lockdown, a program that the kernel's verifier rejects, and for xdpoffload the rules of the driver. Below each problem is the command that fixes it.

The status is 0 when nothing is in the way, and 2 otherwise. What a driver keeps to itself is not known before it is tried: that is said.`,
		Examples: []grammar.Example{
			{Line: "xdpload check dev eth0 xdpdrv obj foo.o", Help: "whether foo.o can run in the driver of eth0"},
		},
		New: env.New(func(r *preflightRequest) *grammar.Node {
			return grammar.Seq(
				subject.DeviceGrammar(&r.Device),
				grammar.Opt(grammar.Alt(
					grammar.Const("xdp", &r.Mode, netlink.XDPAny).Exact().Help("in the driver where it can run programs, in the network stack elsewhere (the default)"),
					grammar.Const("xdpgeneric", &r.Mode, netlink.XDPGeneric).Exact().Help("in the network stack"),
					grammar.Const("xdpdrv", &r.Mode, netlink.XDPNative).Exact().Help("in the driver"),
					grammar.Const("xdpoffload", &r.Mode, netlink.XDPOffload).Exact().Help("on the device itself"),
				)),
				grammar.Opt(r.Program.Selection("an object file",
					grammar.Flag("bind", &r.Program.Bound).Help("tie the program to the device"),
				)),
			).Check(r.Check)
		}),
	}
}

// Check refuses what "link set" has no words for.
func (r *preflightRequest) Check() error {
	if r.Program.Bound && r.Mode != netlink.XDPAny && r.Mode != netlink.XDPNative {
		return fmt.Errorf("bind is for programs that run in the driver: with xdp or xdpdrv, not with %s", r.Mode.Keyword())
	}
	return nil
}

// preflightReport is what is in the way of attaching a program to a device.
type preflightReport struct {
	Device   string             `json:"device"`
	Mode     netlink.XDPMode    `json:"mode"`
	Problems []subject.Obstacle `json:"problems"`
	Unknown  []string           `json:"unknown,omitempty"` // what may be in the way, and cannot be looked at
	Notes    []string           `json:"notes,omitempty"`
}

// WriteText prints each problem, and below it the way out, which may be a command.
func (r *preflightReport) WriteText(t *render.Text, _ render.Options) {
	t.AsIs()
	nothing := "nothing"
	if len(r.Unknown) > 0 {
		nothing = "nothing that is known"
	}
	t.If(len(r.Problems) == 0, "%s: %s is in the way of %s\n", r.Device, nothing, r.Mode.Keyword())
	for _, p := range r.Problems {
		t.Printf("%s: %s\n    %s\n", r.Device, p.Problem, p.Fix)
	}
	for _, u := range r.Unknown {
		t.Printf("%s: not known: %s\n", r.Device, u)
	}
	for _, n := range r.Notes {
		t.Printf("%s: note: %s\n", r.Device, n)
	}
}

func (r *preflightRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	report, err := r.report(ctx, e)
	if err != nil {
		return nil, env.About(r.Device, err)
	}
	return subject.Conclude(e, report, len(report.Problems))
}

func (r *preflightRequest) report(ctx context.Context, e *env.Env) (*preflightReport, error) {
	c, err := r.gather(ctx, e)
	if err != nil {
		return nil, err
	}
	report := &preflightReport{Device: c.dev.Link.Name, Mode: r.Mode, Problems: []subject.Obstacle{}}
	site := func() ([]subject.Obstacle, error) {
		p, err := c.site().Prospect()
		if err != nil {
			return nil, err
		}
		report.Unknown, report.Notes = p.Unknown, p.Notes
		return p.Problems, nil
	}
	for _, rule := range []func() ([]subject.Obstacle, error){
		c.privilege, c.kernel, site, c.occupied, c.pins, c.lockdown, c.metadata, c.card,
	} {
		found, err := rule()
		if err != nil {
			return nil, err
		}
		report.Problems = append(report.Problems, found...)
	}
	return report, nil
}

// A preflight is what the rules look at.
type preflight struct {
	*preflightRequest
	env      *env.Env
	conn     *netlink.Conn
	dev      *offload.Device
	attached []*attach.Attachment
	object   *elf.Object // nil without one
	program  elf.Program
	place    *subject.Site       // once [preflight.site] was asked
	verified []load.VerifyResult // of the program, if the kernel can be asked
}

func (r *preflightRequest) gather(ctx context.Context, e *env.Env) (*preflight, error) {
	conn, link, err := e.Link(r.Device)
	if err != nil {
		return nil, err
	}
	c := &preflight{preflightRequest: r, env: e, conn: conn}
	if c.dev, err = offload.Probe(conn, link.Index); err != nil {
		return nil, err
	}
	var known attach.Inventory
	c.attached = known.XDP(c.dev.Link)
	if r.Program.File == "" {
		return c, nil
	}
	if err := r.Program.CheckType(ebpf.XDP); err != nil {
		return nil, err
	}
	if c.object, err = r.Program.Object(e); err != nil {
		return nil, err
	}
	if err := c.object.CheckByteOrder(); err != nil {
		return nil, err
	}
	if c.program, err = c.object.Program(r.Program.Selector(ebpf.XDP)); err != nil {
		return nil, err
	}
	return c, c.verify(ctx)
}

// verify asks the kernel about the program, unless that would have to run elsewhere than it is
// to be attached: on a card, or bound to a device.
func (c *preflight) verify(ctx context.Context) error {
	options := load.VerifyOptions{Select: c.Program.Selector(ebpf.XDP)}
	switch {
	case c.Mode == netlink.XDPOffload, !c.Program.Bound && c.site().Asks:
		return nil
	case c.Program.Bound:
		options.Ifindex = c.dev.Link.Index
	}
	// An error is one of the object, which is not what is asked here.
	c.verified, _ = load.Verify(ctx, c.object, options)
	return ctx.Err()
}

// command is the way to attach the program in a mode.
func (c *preflight) command(mode netlink.XDPMode, options ...string) string {
	return c.env.Here(env.Line{Options: options, Words: c.words(mode)}.With(nil))
}

func (c *preflight) words(mode netlink.XDPMode) []string {
	words := []string{"link", "set", "dev", c.dev.Link.Name, mode.Keyword(), "obj", cmp.Or(c.Program.File, "FILE")}
	if c.Program.Section != "" {
		words = append(words, "section", c.Program.Section)
	}
	if c.Program.Program != "" {
		words = append(words, "program", c.Program.Program)
	}
	if c.Program.As != ebpf.UnspecifiedProgram {
		words = append(words, "type", "xdp")
	}
	if c.Program.Bound && mode != netlink.XDPGeneric {
		words = append(words, "bind")
	}
	return words
}
