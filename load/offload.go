package load

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/offload"
	"github.com/xdpload/xdpload/prog"
)

// boundOnly is BPF_F_XDP_DEV_BOUND_ONLY of include/uapi/linux/bpf.h.
const boundOnly = 1 << 6

// device is the one that keeps the maps, 0 for the kernel.
func (l *loader) device() int {
	if l.options.BoundOnly {
		return 0
	}
	return l.options.Ifindex
}

// bind makes the programs of the load those of a device.
func (l *loader) bind() error {
	switch {
	case l.options.Ifindex == 0:
		return nil
	case !l.options.BoundOnly:
		return offload.Bind(l.spec, l.options.Ifindex)
	}
	for _, p := range l.spec.Programs {
		if p.Type != ebpf.XDP {
			return &Error{Program: p.Name, Err: fmt.Errorf("only XDP programs can be bound to a device, and this one is of type %s", kernelname.Program(p.Type))}
		}
		p.Ifindex = uint32(l.options.Ifindex)
		p.Flags |= boundOnly
	}
	return nil
}

// checkDevice refuses a map that was there before the load on another device.
// Without a device in the load, the verifier is the one who refuses.
func (l *loader) checkDevice(m *ebpf.Map, name string) error {
	want := l.device()
	if want == 0 || offload.OnHost(m.Type()) {
		return nil
	}
	have, err := offload.BindingOfMap(m.FD())
	switch {
	case err != nil:
		m.Close()
		return fmt.Errorf("%s: %w", name, err)
	case have != nil && have.Ifindex == want && have.Here():
		return nil
	}
	m.Close()
	where := "in the kernel"
	if have != nil {
		where = fmt.Sprintf("on the device with index %d of network namespace %d", have.Ifindex, have.NetNSInode)
	}
	return fmt.Errorf("%s: the map is %s, the program is for the device with index %d: %w", name, where, want, errOtherDevice)
}

var errOtherDevice = errors.New("a program and its maps are on the same device")

// unsuitableMap gives the reason of a refusal that is an errno only.
func (l *loader) unsuitableMap(spec *ebpf.MapSpec, err error) error {
	u := &prog.UnsuitableError{Type: l.options.Select.Type, Err: err}
	switch {
	case errors.Is(err, unix.EINVAL):
		u.Cause, u.Offload = prog.NoOffload+", or not for a map with these flags", true
	case errors.Is(err, unix.EOPNOTSUPP):
		u.Cause, u.Offload = "the device keeps no such map; its driver may say why in the kernel's log", true
	case errors.Is(err, unix.ENOMEM):
		u.Cause = fmt.Sprintf("the device has no room for %d entries of %d+%d bytes", spec.MaxEntries, spec.KeySize, spec.ValueSize)
	default:
		return err
	}
	return u
}

// unbound gives the reason for which a program is not bound, where the kernel
// has no verifier log.
func (l *loader) unbound(err error) error {
	u := &prog.UnsuitableError{Cause: prog.NoOffload, Offload: true, Type: l.options.Select.Type, Err: err}
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		u.Err = errno
	}
	switch {
	case l.options.BoundOnly && errors.Is(err, unix.EINVAL):
		u.Cause, u.Offload = "the kernel binds no programs to devices: that came with Linux 6.3", false
	case l.options.BoundOnly && errors.Is(err, unix.EOPNOTSUPP):
		u.Cause, u.Offload = "the device's driver runs no XDP programs, so it has none bound to it", false
	case errors.Is(err, unix.EINVAL):
	case errors.Is(err, unix.EOPNOTSUPP):
		u.Cause = "the device refuses the program"
	case errors.Is(err, unix.ENODEV):
		u.Cause = "the device is gone"
	default:
		return err
	}
	return u
}
