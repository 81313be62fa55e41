package checkcmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
	"github.com/xdpload/xdpload/pin"
)

func one(fix, format string, args ...any) ([]subject.Obstacle, error) {
	return []subject.Obstacle{{Problem: fmt.Sprintf(format, args...), Fix: fix}}, nil
}

// privilege has the kernel verify the smallest program, and looks at what it says, without
// CAP_PERFMON, of the one that is to be attached.
func (c *preflight) privilege() (found []subject.Obstacle, _ error) {
	for _, b := range subject.Barriers() {
		p := subject.Obstacle{Problem: b.Cause, Fix: b.Fix}
		if b.Root {
			p.Fix = "sudo " + c.command(c.Mode)
		}
		found = append(found, p)
	}
	if found != nil || !subject.Lacks(unix.CAP_PERFMON) {
		return found, nil
	}
	for _, r := range c.verified {
		if v, ok := errors.AsType[*ebpf.VerifierError](r.Err); ok && subject.WantsPerfmon(v.Log) {
			return one("sudo "+c.command(c.Mode), "the verifier says %q: it allows that with CAP_PERFMON only, which this process lacks", r.Cause)
		}
	}
	return nil, nil
}

// kernel finds why the kernel refuses the program, first because it is younger than the kernel.
func (c *preflight) kernel() ([]subject.Obstacle, error) {
	for _, r := range c.verified {
		if why := subject.TooOld(c.object, r.Err); why != "" {
			return one(render.Shell("xdpload", "elf", "check", c.Program.File), "%s", why)
		}
		v, rejected := errors.AsType[*ebpf.VerifierError](r.Err)
		switch {
		case r.Err == nil, !rejected && errors.Is(r.Err, os.ErrPermission): // which privilege tells
		case rejected && subject.Lacks(unix.CAP_PERFMON) && subject.WantsPerfmon(v.Log):
		default:
			return one(render.Shell("xdpload", "verify", c.Program.File, "program", r.Program.Name), "%s", env.OneLine(r.Err))
		}
	}
	return nil, nil
}

// site is where the program shall run. Another mode replaces what runs in it.
func (c *preflight) site() *subject.Site {
	if c.place != nil {
		return c.place
	}
	c.place = &subject.Site{
		Env: c.env, Device: c.dev, Mode: c.Mode, Bound: c.Program.Bound,
		Again: func(mode netlink.XDPMode) string {
			if slices.ContainsFunc(c.attached, func(a *attach.Attachment) bool { return a.Mode == mode }) {
				return c.command(mode, "-force")
			}
			return c.command(mode)
		},
	}
	if c.object != nil {
		c.place.Suits(c.object, c.program)
	}
	return c.place
}

func (c *preflight) canNative() bool {
	can, _ := c.site().Native()
	return can
}

// occupied finds the program that is there in the same mode, and the one in the
// other of native and generic.
func (c *preflight) occupied() (found []subject.Obstacle, _ error) {
	software := func(m netlink.XDPMode) bool { return m != netlink.XDPOffload }
	for _, a := range c.attached {
		if software(a.Mode) != software(c.Mode) || c.Mode == netlink.XDPNative && a.Mode == netlink.XDPGeneric && !c.canNative() {
			continue // beside it, or replaced by what the driver's lack leads to
		}
		p := subject.Obstacle{Problem: "already attached: " + c.whose(a)}
		off := c.env.Here(render.Shell("xdpload", "link", "set", "dev", a.Device, a.Mode.Keyword(), "off"))
		switch {
		case a.Link != nil:
			p.Fix = c.env.Here(subject.DetachLink(a.Device, a.Hook(), a.Link.ID))
		case a.Mode == netlink.XDPNative && c.Mode == netlink.XDPGeneric, a.Mode == netlink.XDPGeneric && c.site().InDriver():
			p.Problem += "; native and generic programs exclude each other"
			p.Fix = off
		default:
			p.Fix = c.command(c.Mode, "-force")
		}
		found = append(found, p)
	}
	return found, nil
}

func (c *preflight) whose(a *attach.Attachment) string {
	var t render.Text
	t.Printf("program id %d", a.Program.ID)
	t.If(a.Program.Name != "", " name %s", a.Program.Name)
	t.Printf(" (%v)", a.Mode)
	t.If(a.Program.Tag != "", ", loaded by user %d", a.Program.CreatedBy)
	if is := subject.Dispatcher(c.env, c.dev.Link.Index, &a.Program); is != "" {
		t.Printf(" (%s)", is)
	}
	for _, path := range subject.ProgramPins(c.env)(a.Program.ID) {
		t.Printf(", pinned at %s", path)
	}
	if a.Link != nil {
		t.Printf(", held by bpf_link id %d", a.Link.ID)
	}
	return t.String()
}

// pins: maps that the object pins need a BPF file system.
func (c *preflight) pins() ([]subject.Obstacle, error) {
	if c.object == nil {
		return nil, nil
	}
	spec, err := c.object.Spec(c.Program.Selector(ebpf.XDP))
	if err != nil {
		return nil, err
	}
	all, err := c.object.Maps()
	if err != nil {
		return nil, err
	}
	pinned := slices.ContainsFunc(all, func(m elf.Map) bool { return m.Pinning != elf.PinNone && spec.Maps[m.Name] != nil })
	root := subject.Bpffs(c.env)
	if _, err := pin.Open(root); err == nil || !pinned {
		return nil, nil
	}
	return one(subject.MountHints(root, env.Line{Words: c.words(c.Mode)})[0], "the object pins maps, and %s is no BPF file system", root)
}

// lockdownFile says how far the kernel is locked down (security/lockdown).
const lockdownFile = "/sys/kernel/security/lockdown"

// lockdown: in confidentiality mode no program reads the kernel's memory.
func (c *preflight) lockdown() ([]subject.Obstacle, error) {
	b, err := os.ReadFile(lockdownFile)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission): // no lockdown, or not for us to see
		return nil, nil
	case err != nil:
		return nil, err
	case !strings.Contains(string(b), "[confidentiality]") || c.object == nil || !subject.Calls(c.object, c.program, readsKernel):
		return nil, nil
	}
	return one("boot with lockdown=integrity", "the kernel is locked down for confidentiality, and the program reads kernel memory")
}

// readsKernel knows the helpers that read memory of the kernel: probe_read and
// its like (include/uapi/linux/bpf.h, __BPF_FUNC_MAPPER).
func readsKernel(r elf.Reference) bool {
	return r.Kind == elf.RefHelper && slices.Contains([]int32{4, 45, 113, 115}, r.Number)
}

// metadata: what a program asks the driver about a packet.
func (c *preflight) metadata() ([]subject.Obstacle, error) {
	if c.Program.Bound || !c.site().Asks || !c.canNative() {
		return nil, nil
	}
	mode := c.Mode
	if mode != netlink.XDPNative {
		mode = netlink.XDPAny
	}
	return one(c.command(mode)+" bind", "the program asks the driver about packets, so must be bound to the device")
}

// card holds the object against the rules of the device's driver.
func (c *preflight) card() (found []subject.Obstacle, _ error) {
	if c.Mode != netlink.XDPOffload || c.object == nil || !slices.Contains(offload.Checked(), c.dev.Driver) {
		return nil, nil
	}
	findings, err := offload.Check(c.dev.Driver, c.object, c.Program.Selector(ebpf.XDP))
	for _, f := range findings {
		found = append(found, subject.Obstacle{Problem: f.Error(), Fix: c.command(netlink.XDPNative)})
	}
	return found, err
}
