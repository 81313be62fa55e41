package offload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
)

// Bind makes a spec that of a device: every program gets the device's index,
// which is that of the calling thread's network namespace. The error is the
// [*Finding] of the first thing that no device takes.
//
// Maps have no place for a device in their spec. The loader creates those that
// are not [OnHost] with map_ifindex.
func Bind(spec *ebpf.CollectionSpec, ifindex int) error {
	for _, name := range sorted(spec.Maps) {
		if f := bindMap(name, spec.Maps[name]); f != nil {
			return f
		}
	}
	for _, name := range sorted(spec.Programs) {
		if f := bindProgram(spec.Programs[name]); f != nil {
			return f
		}
	}
	for _, p := range spec.Programs {
		p.Ifindex = uint32(ifindex)
	}
	return nil
}

// kernelRules is where the rules for all devices come from.
const kernelRules = "kernel/bpf/offload.c"

// OnHost reports whether maps of a type stay in the kernel's memory when a
// program is on a device: those that events arrive in (include/linux/bpf.h,
// bpf_map_offload_neutral).
func OnHost(t ebpf.MapType) bool { return t == ebpf.PerfEventArray }

func bindMap(name string, m *ebpf.MapSpec) *Finding {
	switch {
	case OnHost(m.Type):
		return nil
	case strings.HasPrefix(name, "."):
		return &Finding{Map: name, Rule: "global variables cannot be on a device: use constants, or a map of type array", Source: kernelRules}
	case m.Type != ebpf.Array && m.Type != ebpf.Hash:
		return &Finding{Map: name, Rule: fmt.Sprintf("a device keeps maps of type array and hash only, not %s", kernelname.Map(m.Type)), Source: kernelRules}
	}
	return nil
}

// hasFrags is BPF_F_XDP_HAS_FRAGS of include/uapi/linux/bpf.h.
const hasFrags = 1 << 5

func bindProgram(p *ebpf.ProgramSpec) *Finding {
	switch {
	case p.Type != ebpf.XDP && p.Type != ebpf.SchedCLS:
		return &Finding{Program: p.Name, Instruction: -1, Rule: fmt.Sprintf("a device runs programs of type xdp and sched_cls only, not %s", kernelname.Program(p.Type)), Source: kernelRules}
	case p.Flags&hasFrags != 0:
		return &Finding{Program: p.Name, Instruction: -1, Rule: "a device takes no packets of several buffers: not from section xdp.frags", Source: kernelRules}
	}
	return nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// A Binding is the device that a program or a map is on. The kernel tells it
// of what is offloaded, not of programs that are bound to a device only.
type Binding struct {
	Ifindex int // in the device's network namespace
	// NetNSDev and NetNSInode are what stat(2) says of that namespace's file,
	// such as /proc/self/ns/net.
	NetNSDev, NetNSInode uint64
}

// BindingOfMap asks for the device that a map is on, nil for none. The error
// is [unix.ENODEV] when that device is gone.
func BindingOfMap(fd int) (*Binding, error) {
	info, err := sys.InfoOfMap(fd)
	if err != nil || info.Ifindex == 0 {
		return nil, err
	}
	return &Binding{int(info.Ifindex), info.NetnsDev, info.NetnsInode}, nil
}

// Here reports whether the device is in the calling thread's network
// namespace, so that Ifindex is an index there.
func (b *Binding) Here() bool {
	var st unix.Stat_t
	return unix.Stat("/proc/thread-self/ns/net", &st) == nil &&
		uint64(st.Dev) == b.NetNSDev && st.Ino == b.NetNSInode
}
