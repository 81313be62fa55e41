package subject

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
)

// hasFrags is BPF_F_XDP_HAS_FRAGS.
const hasFrags = 1 << 5

// Suits notes what of a program a device may refuse.
func (s *Site) Suits(obj *elf.Object, p elf.Program) {
	s.Frags = p.Flags&hasFrags != 0
	s.Asks = Calls(obj, p, func(r elf.Reference) bool {
		return r.Kind == elf.RefKernel && strings.HasPrefix(r.Name, "bpf_xdp_metadata_")
	})
}

// Calls reports whether a program, or a function that it calls, refers to something.
func Calls(obj *elf.Object, p elf.Program, wanted func(elf.Reference) bool) bool {
	functions, err := obj.Reach(p)
	if err != nil {
		return false
	}
	for _, p := range append(functions, p) {
		references, _ := obj.References(p) // what cannot be read is found by the load
		if slices.ContainsFunc(references, wanted) {
			return true
		}
	}
	return false
}

// Explain adds to a kernel's refusal the ways out of what is in the way on a device. Where the
// rules know nothing, it goes by the kernel's sentence.
func (s Site) Explain(ifindex int, source *Source, refusal error) error {
	if !s.refused(refusal) {
		return refusal
	}
	conn, err := s.Env.Netlink()
	if err == nil {
		s.Device, err = offload.Probe(conn, ifindex)
	}
	if err != nil {
		return refusal
	}
	says := strings.ToLower(env.KernelMessage(refusal))
	if p, ok := source.described(); ok {
		s.Suits(source.Object.Object, p)
	} else {
		s.Frags = !strings.Contains(says, "mtu") // of one that is loaded the kernel does not tell
	}
	p, err := s.Prospect()
	if err != nil {
		return refusal
	}
	var hints []string
	for _, o := range p.Problems {
		hints = append(hints, o.Problem+": "+o.Fix)
	}
	if hints == nil {
		hints = s.hints(refusal, says)
	}
	return env.WithHints(refusal, hints...)
}

// refused reports whether an error is about the device, and not about what is attached, the
// process, or the program.
func (s *Site) refused(err error) bool {
	if errors.Is(err, fs.ErrPermission) {
		return false
	}
	if errors.Is(err, fs.ErrExist) { // another device may be what is in the way
		x, ok := errors.AsType[*attach.OccupiedError](err)
		return ok && len(x.Attachments) == 0
	}
	if x, ok := errors.AsType[*netlink.Error](err); ok {
		return x.Errno() != 0
	}
	_, hook := errors.AsType[*attach.HookError](err)
	return hook || s.Bound && errors.Is(err, errors.ErrUnsupported)
}

// hints go by what the kernel, or a driver, says.
func (s *Site) hints(refusal error, says string) []string {
	name := s.Device.Link.Name
	switch {
	case strings.Contains(says, "mtu") && s.Frags:
		return []string{"lower the MTU: " + s.Env.Here("ip link set dev "+render.Shell(name)+" mtu N")}
	case strings.Contains(says, "mtu"):
		return []string{"a program in section xdp.frags takes packets of several buffers: SEC(\"xdp.frags\")", "or lower the MTU"}
	case errors.Is(refusal, errors.ErrUnsupported) && strings.Contains(says, "native"):
		return []string{"xdpgeneric runs on any device: " + s.Again(netlink.XDPGeneric)}
	case strings.Contains(says, "lro"):
		return []string{"turn large receive offload off: " + render.Shell("ethtool", "-K", name, "lro", "off")}
	case strings.Contains(says, "queue"), strings.Contains(says, "channel"):
		return []string{"the number of queues does not suit: " + render.Shell("ethtool", "-l", name) + " shows them"}
	}
	return nil
}

// described is the program as its object describes it.
func (s *Source) described() (p elf.Program, ok bool) {
	if s == nil || s.Object == nil {
		return p, false
	}
	p, err := s.Object.Object.Program(s.request.Selector(ebpf.XDP))
	return p, err == nil
}
