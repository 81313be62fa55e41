package load

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/internal/sys"
)

// Permitted has the kernel verify the smallest XDP program that there is, and keeps
// nothing: the error is os.ErrPermission, or ENOSYS, where this process may load none.
func Permitted() error {
	spec := &ebpf.ProgramSpec{Type: ebpf.XDP, Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}}
	p, err := unlimited(func() (*ebpf.Program, error) { return ebpf.NewProgram(spec) })
	if err != nil {
		return privilege(err)
	}
	return p.Close()
}

// Filtered reports whether a call of bpf(2) that takes no privilege is refused all the same,
// before the kernel looks at what it asks for: so does a seccomp filter. (So did kernels
// before 6.0 with kernel.unprivileged_bpf_disabled to those without CAP_BPF.)
func Filtered() bool {
	const noSuchFD = 1<<31 - 1
	_, err := sys.InfoOfMap(noSuchFD)
	return !errors.Is(err, unix.EBADF)
}
