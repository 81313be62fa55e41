package load

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
)

// errNotSupported is ENOTSUPP of include/linux/errno.h, which user space has no name for.
const errNotSupported = unix.Errno(524)

// refusedMap says why the kernel does not make a map: by the rules of its type, in its own
// sentence, or with what it was asked for.
func (l *loader) refusedMap(spec *ebpf.MapSpec, err error) error {
	why := l.invalid(spec)
	errno, ofKernel := errors.AsType[unix.Errno](err)
	switch {
	case !ofKernel && why != "": // cilium/ebpf does not even ask
		return errors.New(why)
	case !ofKernel, errno == unix.EPERM, errno == unix.ENOSYS:
		return privilege(err)
	case errno == errNotSupported:
		errno = unix.EOPNOTSUPP
	}
	if why == "" {
		why = l.kernelSays(spec)
	}
	switch {
	case why != "":
	case !strings.Contains(err.Error(), "map create: "): // but its types, or its content
		return err
	case errno == unix.E2BIG && perCPU(spec.Type):
		why = fmt.Sprintf("its value is of %d bytes, and a CPU has room for one of 32768, or of a page if that is larger", spec.ValueSize)
	default:
		why = fmt.Sprintf("the kernel makes no map of type %s with a key of %d bytes, a value of %d, max_entries %d and flags %#x",
			kernelname.Map(spec.Type), spec.KeySize, spec.ValueSize, spec.MaxEntries, spec.Flags)
	}
	return fmt.Errorf("%s (%w)", why, errno)
}

func perCPU(t ebpf.MapType) bool {
	return t == ebpf.PerCPUArray || t == ebpf.PerCPUHash || t == ebpf.LRUCPUHash
}

// kernelSays is the kernel's own sentence about a map that it refuses, "" where it has none,
// or where cilium/ebpf asks for another map than the spec's.
func (l *loader) kernelSays(spec *ebpf.MapSpec) string {
	switch spec.Type {
	case ebpf.PerfEventArray, ebpf.CPUMap, ebpf.RingBuf, ebpf.Arena, ebpf.ArrayOfMaps, ebpf.HashOfMaps, ebpf.StructOpsMap:
		return ""
	}
	m, err := l.attributes(spec, 0)
	if err != nil {
		return ""
	}
	return sys.WhyNoMap(spec.Name, m)
}

// invalid says why the kernel refuses a map by EINVAL only, "" if that is not known.
func (l *loader) invalid(spec *ebpf.MapSpec) string {
	m := elf.Map{Type: spec.Type, KeySize: spec.KeySize, ValueSize: spec.ValueSize, MaxEntries: spec.MaxEntries, Flags: spec.Flags}
	switch {
	case m.Sizeless() && l.obj == nil:
		return "it has no max_entries"
	case m.Sizeless():
		return fmt.Sprintf("it has no max_entries: say how many, map %s max_entries N", spec.Name)
	}
	if why := m.Invalid(); why != "" {
		return why
	}
	if ofMaps := spec.Type == ebpf.ArrayOfMaps || spec.Type == ebpf.HashOfMaps; ofMaps && spec.InnerMap == nil && l.inner == nil {
		return "it does not say what the maps in it are like, as __array(values, …) does"
	}
	return ""
}
