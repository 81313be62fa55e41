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
		Description: `Looks at a device, at this process and, if one is named, at an object, and says what would make "link set" fail: missing capabilities, a driver without the mode, an MTU or queues that do not suit, large receive offload, a program or bpf_link that is there and whose it is, pins without a BPF file system, kernel lockdown, and for xdpoffload the rules of the driver. Below each problem is the command that fixes it.

The status is 0 when nothing is in the way, and 2 otherwise. What a driver keeps to itself is not known before it is tried.`,
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

// A problem is something in the way, and the command that fixes it.
type problem struct {
	Problem string `json:"problem"`
	Fix     string `json:"fix"`
}

// preflightReport is what is in the way of attaching a program to a device.
type preflightReport struct {
	Device   string          `json:"device"`
	Mode     netlink.XDPMode `json:"mode"`
	Problems []problem       `json:"problems"`
}

// WriteText prints each problem, and below it the way out.
func (r *preflightReport) WriteText(t *render.Text, _ render.Options) {
	t.If(len(r.Problems) == 0, "%s: nothing is in the way of %s\n", r.Device, r.Mode.Keyword())
	for _, p := range r.Problems {
		t.Printf("%s: %s\n    %s\n", r.Device, p.Problem, p.Fix)
	}
}

func (r *preflightRequest) Run(_ context.Context, e *env.Env) (any, error) {
	report, err := r.report(e)
	if err != nil {
		return nil, env.About(r.Device, err)
	}
	return subject.Conclude(e, report, len(report.Problems))
}

func (r *preflightRequest) report(e *env.Env) (*preflightReport, error) {
	c, err := r.gather(e)
	if err != nil {
		return nil, err
	}
	report := &preflightReport{Device: c.dev.Link.Name, Mode: r.Mode, Problems: []problem{}}
	for _, rule := range []func() ([]problem, error){
		c.privilege, c.kernel, c.driver, c.size, c.queues, c.receive, c.occupied, c.pins, c.lockdown, c.metadata, c.card,
	} {
		found, err := rule()
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			report.Problems = append(report.Problems, problem{Problem: p.Problem, Fix: e.Here(p.Fix)})
		}
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
}

func (r *preflightRequest) gather(e *env.Env) (*preflight, error) {
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
	c.program, err = c.object.Program(r.Program.Selector(ebpf.XDP))
	return c, err
}

// command is the way to attach the program in a mode.
func (c *preflight) command(mode netlink.XDPMode, options ...string) string {
	words := append([]string{"xdpload"}, options...)
	words = append(words, "link", "set", "dev", c.dev.Link.Name, mode.Keyword(), "obj", cmp.Or(c.Program.File, "FILE"))
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
	return render.Shell(words...)
}

// native reports whether the program would run in the driver. Netdevsim and
// some others do not say that they can, so what is known of drivers counts too.
func (c *preflight) native() bool {
	return c.Mode == netlink.XDPNative || c.Mode == netlink.XDPAny && c.canNative()
}

func (c *preflight) canNative() bool {
	if known := c.dev.Known(); known != nil && known.Native != "" {
		return true
	}
	return c.dev.Features != nil && c.dev.Features.XDP&netlink.FeatureBasic != 0
}
