package checkcmd

import (
	"context"
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
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
	"github.com/xdpload/xdpload/pin"
)

func one(fix, format string, args ...any) ([]problem, error) {
	return []problem{{Problem: fmt.Sprintf(format, args...), Fix: fix}}, nil
}

// privilege has the kernel verify the smallest program, and, without CAP_PERFMON, the one that
// is to be attached.
func (c *preflight) privilege() (found []problem, _ error) {
	for _, b := range subject.Barriers() {
		p := problem{Problem: b.Cause, Fix: b.Fix}
		if b.Root {
			p.Fix = "sudo " + c.command(c.Mode)
		}
		found = append(found, p)
	}
	if found != nil || c.object == nil || !subject.Lacks(unix.CAP_PERFMON) {
		return found, nil
	}
	results, err := load.Verify(context.Background(), c.object, load.VerifyOptions{Select: c.Program.Selector(ebpf.XDP)})
	if err != nil {
		return nil, nil // of the object, which is not what is asked here
	}
	for _, r := range results {
		if v, ok := errors.AsType[*ebpf.VerifierError](r.Err); ok && subject.WantsPerfmon(v.Log) {
			return one("sudo "+c.command(c.Mode), "the verifier says %q: it allows that with CAP_PERFMON only, which this process lacks", r.Cause)
		}
	}
	return nil, nil
}

// kernel has the kernel verify a program that seems to be younger.
func (c *preflight) kernel() ([]problem, error) {
	if c.object == nil || !subject.MayBeTooOld(c.object) {
		return nil, nil
	}
	results, err := load.Verify(context.Background(), c.object, load.VerifyOptions{Select: c.Program.Selector(ebpf.XDP)})
	if err != nil {
		return nil, nil // of the object, which is not what is asked here
	}
	for _, r := range results {
		if why := subject.TooOld(c.object, r.Err); why != "" {
			return one(render.Shell("xdpload", "elf", "check", c.Program.File), "%s", why)
		}
	}
	return nil, nil
}

func (c *preflight) driver() ([]problem, error) {
	who := "this kind of device"
	if c.dev.Driver != "" {
		who = "its driver, " + c.dev.Driver + ","
	}
	switch {
	case !c.canNative() && c.asksDriver():
		return one("xdpload features", "%s runs no XDP programs, so none that asks the driver about packets: take a device with another driver", who)
	case c.Mode == netlink.XDPNative && !c.canNative() && (c.dev.Features != nil || c.dev.Driver == ""):
		return one(c.command(netlink.XDPGeneric), "%s runs no XDP programs", who)
	case c.Mode == netlink.XDPOffload && !c.canOffload():
		return one(c.command(netlink.XDPAny), "the device runs no programs itself: %s has no BPF offload", who)
	case c.Program.Bound && !c.canNative():
		return one(c.command(netlink.XDPGeneric), "no program can be bound to the device: %s runs none", who)
	}
	return nil, nil
}

func (c *preflight) canOffload() bool {
	if c.dev.Features != nil {
		return c.dev.Features.XDP&netlink.FeatureOffload != 0
	}
	known := c.dev.Known()
	return known != nil && known.Offload != ""
}

// hasFrags is BPF_F_XDP_HAS_FRAGS of include/uapi/linux/bpf.h.
const hasFrags = 1 << 5

// size knows the MTU of drivers that refuse more for a program without frags.
func (c *preflight) size() ([]problem, error) {
	known := c.dev.Known()
	if known == nil || known.MTU == 0 || !c.native() || c.program.Flags&hasFrags != 0 {
		return nil, nil
	}
	l := c.dev.Link
	if known.OfPeer {
		peer, err := c.peer()
		if peer == nil {
			return nil, err
		}
		l = peer
	}
	if l.MTU <= known.MTU {
		return nil, nil
	}
	return one(fmt.Sprintf("ip link set dev %s mtu %d", l.Name, known.MTU),
		"the MTU of %s, %d, is too large for a program that takes packets of one buffer only; one in SEC(\"xdp.frags\") takes more", l.Name, l.MTU)
}

// peer is the device at the other end, nil for one in another namespace.
func (c *preflight) peer() (*netlink.Link, error) {
	l := c.dev.Link
	if l.PeerIndex == 0 || l.PeerNetNSID != nil {
		return nil, nil
	}
	return c.conn.LinkByIndex(l.PeerIndex)
}

// queues knows the drivers that need queues of their own for what a program
// sends: veth_xdp_set; bnxt_xdp_set (its rings must be shared); ena_xdp_allowed
// (twice as many queues must be there).
func (c *preflight) queues() ([]problem, error) {
	q, name := c.dev.Queues, c.dev.Link.Name
	if q == nil || !c.native() {
		return nil, nil
	}
	switch {
	case c.dev.Driver == "veth":
		peer, err := c.peer()
		if peer == nil {
			return nil, err
		}
		other, err := offload.Probe(c.conn, peer.Index)
		if err != nil || other.Queues == nil || q.Rx >= other.Queues.Tx {
			return nil, err
		}
		return one(fmt.Sprintf("ethtool -L %s tx %d", peer.Name, q.Rx),
			"it has fewer receive queues (%d) than %s has transmit queues (%d)", q.Rx, peer.Name, other.Queues.Tx)
	case c.dev.Driver == "bnxt_en" && q.Combined == 0:
		return one(fmt.Sprintf("ethtool -L %s rx 0 tx 0 combined %d", name, max(1, q.Rx)), "its receive and transmit queues are not combined")
	case c.dev.Driver == "ena" && q.Combined*2 > q.MaxCombined:
		return one(fmt.Sprintf("ethtool -L %s combined %d", name, q.MaxCombined/2), "it uses %d queues of %d: XDP needs as many again", q.Combined, q.MaxCombined)
	}
	return nil, nil
}

func (c *preflight) receive() ([]problem, error) {
	if !c.dev.LRO || !c.native() {
		return nil, nil
	}
	return one(fmt.Sprintf("ethtool -K %s lro off", c.dev.Link.Name), "large receive offload is on")
}

// occupied finds the program that is there in the same mode, and the one in the
// other of native and generic.
func (c *preflight) occupied() (found []problem, _ error) {
	software := func(m netlink.XDPMode) bool { return m != netlink.XDPOffload }
	for _, a := range c.attached {
		if software(a.Mode) != software(c.Mode) {
			continue
		}
		p := problem{Problem: "already attached: " + c.whose(a)}
		off := render.Shell("xdpload", "link", "set", "dev", a.Device, a.Mode.Keyword(), "off")
		switch {
		case a.Link != nil:
			p.Fix = subject.DetachLink(a.Device, a.Hook(), a.Link.ID)
		case a.Mode == netlink.XDPNative && c.Mode == netlink.XDPGeneric, a.Mode == netlink.XDPGeneric && c.native():
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
	for _, path := range subject.ProgramPins(c.env)(a.Program.ID) {
		t.Printf(", pinned at %s", path)
	}
	if a.Link != nil {
		t.Printf(", held by bpf_link id %d", a.Link.ID)
	}
	return t.String()
}

// pins: maps that the object pins need a BPF file system.
func (c *preflight) pins() ([]problem, error) {
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
	return one(subject.MountHints(root, env.Line{})[0], "the object pins maps, and %s is no BPF file system", root)
}

// lockdownFile says how far the kernel is locked down (security/lockdown).
const lockdownFile = "/sys/kernel/security/lockdown"

// lockdown: in confidentiality mode no program reads the kernel's memory.
func (c *preflight) lockdown() ([]problem, error) {
	b, err := os.ReadFile(lockdownFile)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission): // no lockdown, or not for us to see
		return nil, nil
	case err != nil:
		return nil, err
	case !strings.Contains(string(b), "[confidentiality]") || !c.calls(readsKernel):
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
func (c *preflight) metadata() ([]problem, error) {
	if c.Program.Bound || !c.asksDriver() || !c.canNative() {
		return nil, nil
	}
	mode := c.Mode
	if mode != netlink.XDPNative {
		mode = netlink.XDPAny
	}
	return one(c.command(mode)+" bind", "the program asks the driver about packets, so must be bound to the device")
}

// asksDriver reports whether the program calls a function of the driver's.
func (c *preflight) asksDriver() bool {
	return c.calls(func(r elf.Reference) bool {
		return r.Kind == elf.RefKernel && strings.HasPrefix(r.Name, "bpf_xdp_metadata_")
	})
}

// calls reports whether the program, or a function of its, refers to such a thing.
func (c *preflight) calls(wanted func(elf.Reference) bool) bool {
	if c.object == nil {
		return false
	}
	functions, err := c.object.Reach(c.program)
	if err != nil {
		return false
	}
	for _, p := range append(functions, c.program) {
		references, _ := c.object.References(p) // what cannot be read is found by the load
		if slices.ContainsFunc(references, wanted) {
			return true
		}
	}
	return false
}

// card holds the object against the rules of the device's driver.
func (c *preflight) card() (found []problem, _ error) {
	if c.Mode != netlink.XDPOffload || c.object == nil || !slices.Contains(offload.Checked(), c.dev.Driver) {
		return nil, nil
	}
	findings, err := offload.Check(c.dev.Driver, c.object, c.Program.Selector(ebpf.XDP))
	for _, f := range findings {
		found = append(found, problem{Problem: f.Error(), Fix: c.command(netlink.XDPNative)})
	}
	return found, err
}
