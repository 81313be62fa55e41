package prog

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
)

// Stats is what the kernel has counted of a program's runs since it was loaded, in the
// times in which it counted: see [EnableStats]. A program that another one goes on to, by
// a tail call or as a function, has its runs counted with those of that other one.
type Stats struct {
	Runs uint64
	Time time.Duration // of all these runs
	// Misses are runs that were left out because the program was running already: of
	// tracing programs, from Linux 5.12 on, and counted always.
	Misses uint64
}

// Since returns what was counted after an earlier reading of the same program.
func (s Stats) Since(before Stats) Stats {
	return Stats{
		Runs:   s.Runs - min(s.Runs, before.Runs),
		Time:   s.Time - min(s.Time, before.Time),
		Misses: s.Misses - min(s.Misses, before.Misses),
	}
}

// PerRun is how long a run took, the mean of all, in nanoseconds; 0 without runs.
func (s Stats) PerRun() float64 {
	if s.Runs == 0 {
		return 0
	}
	return float64(s.Time) / float64(s.Runs)
}

// EnableStats has the kernel count the runs of all programs until what it returns is
// closed, by the caller or with the process (BPF_ENABLE_STATS, Linux 5.8). It takes
// CAP_SYS_ADMIN. The kernel counts too while the sysctl kernel.bpf_stats_enabled is 1,
// which this does not touch, and while another process has it do so. Each run then takes
// some 20 to 50 nanoseconds more.
func EnableStats() (io.Closer, error) {
	c, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, ebpf.ErrNotSupported):
		return nil, fmt.Errorf("this kernel counts runs while the sysctl kernel.bpf_stats_enabled is 1, and (before Linux 5.8) not otherwise: %w", errors.ErrUnsupported)
	case err != nil:
		return nil, fmt.Errorf("count the runs of programs: %w", err)
	}
	return c, nil
}

// Counting reports whether the kernel counts the runs of programs now, whoever has it do
// so: it runs the smallest of programs once, and looks whether that was counted.
func Counting() (bool, error) {
	fd, err := sys.LoadProgram(&sys.Program{
		Type: uint32(ebpf.SocketFilter), License: "GPL",
		Insns: []byte{0: 0xb7, 8: 0x95, 15: 0}, // r0 = 0, exit
	})
	if err != nil {
		return false, err
	}
	defer sys.Close(fd)
	if err := sys.RunProgram(fd, &sys.TestRun{Data: make([]byte, ethernetHeader)}); err != nil {
		return false, err
	}
	info, err := sys.InfoOfProgram(fd)
	return err == nil && info.Runs > 0, err
}
