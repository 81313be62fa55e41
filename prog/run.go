package prog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
)

// RunOptions is what a program is run with by [Program.Run].
type RunOptions struct {
	// Data is the packet, from the Ethernet header on, of at least 14 bytes.
	Data []byte
	// Context are fields of the program's context that are not zero.
	Context []ContextField
	// Repeat is how often it runs, 0 for once. All runs but the first see what
	// the one before has left of the packet.
	Repeat uint32
}

// RunResult is what came of it.
type RunResult struct {
	Verdict Verdict // of the last run
	// Data is the packet as the last run left it.
	Data []byte
	// Meta is what an XDP program put in front of the packet (bpf_xdp_adjust_meta).
	Meta []byte
	// Changed are the fields of the context that differ from before.
	Changed []ContextChange
	// Time is how long a run took, the mean of all, in whole nanoseconds.
	Time time.Duration
}

// RunError says that a program cannot be run with what it was given.
type RunError struct {
	Type  ebpf.ProgramType // of the program
	Cause string           // what is known about it, "" for nothing
	Err   error            // the kernel's refusal
}

func (e *RunError) Error() string {
	if e.Cause != "" {
		return e.Cause
	}
	return fmt.Sprintf("the kernel cannot run a program of type %s with that: %v", kernelname.Program(e.Type), e.Err)
}

// Unwrap returns the kernel's refusal.
func (e *RunError) Unwrap() error { return e.Err }

// ethernetHeader is the length of the header that the kernel takes off for programs
// that begin to read after it.
const ethernetHeader = 14

// testRoom is how much longer a program can make a packet at its head and its
// tail together, with some to spare (XDP_PACKET_HEADROOM, and the tail of a page).
const testRoom = 4096

// Run has the kernel run the program on a packet that is on no device
// (BPF_PROG_TEST_RUN), with the maps that it has: what it writes to them stays
// written. Nothing is sent, whatever the verdict.
//
// XDP and tc programs see the packet from its Ethernet header on. Those for
// sockets, cgroups and lightweight tunnels see it from the IP header on, and the
// kernel takes what the Ethernet header says for its protocol
// (net/bpf/test_run.c). An error is a [*RunError].
func (p *Program) Run(o RunOptions) (*RunResult, error) {
	if p.Type == ebpf.XDP || packetType(p.Type) {
		if len(o.Data) < ethernetHeader {
			return nil, &RunError{Type: p.Type, Cause: fmt.Sprintf("a packet of %d bytes: it begins with an Ethernet header, which has %d", len(o.Data), ethernetHeader), Err: unix.EINVAL}
		}
	}
	in, err := testContext(p.Type, o)
	if err != nil {
		return nil, err
	}
	run := sys.TestRun{
		Repeat: o.Repeat, Data: append(slices.Clip(in.meta), o.Data...), Context: in.context,
		DataOut: make([]byte, len(in.meta)+len(o.Data)+testRoom), ContextOut: make([]byte, len(in.context)),
	}
	err = sys.RunProgram(p.FD(), &run)
	if errors.Is(err, unix.EINVAL) && len(o.Context) == 0 && run.Context != nil { // before Linux 5.15 XDP takes none
		run.Context, run.ContextOut = nil, nil
		err = sys.RunProgram(p.FD(), &run)
	}
	if err != nil {
		return nil, p.runError(err, o)
	}
	out := &RunResult{
		Verdict: Verdict{Type: p.Type, Value: run.Retval},
		Data:    run.DataOut, Time: time.Duration(run.Duration),
	}
	out.read(p.Type, o, in, run.ContextOut)
	return out, nil
}

// read takes what came out apart.
func (r *RunResult) read(t ebpf.ProgramType, o RunOptions, in contextIn, context []byte) {
	switch {
	case t == ebpf.XDP && len(context) >= 4:
		if n := int(native.Uint32(context)); n > 0 && n <= len(r.Data) { // xdp_md.data: where the packet begins
			r.Meta, r.Data = r.Data[:n], r.Data[n:]
		}
	case !fromEthernet(t) && len(r.Data) >= ethernetHeader:
		copy(r.Data, o.Data[:ethernetHeader]) // the kernel leaves zeros
	}
	r.Changed = changes(t, in.context, context)
}

// errnoNotSupported is ENOTSUPP of include/linux/errno.h, which user space has
// no name for.
const errnoNotSupported = unix.Errno(524)

func (p *Program) runError(err error, o RunOptions) error {
	e := &RunError{Type: p.Type, Err: err}
	switch {
	case p.Device != nil && (errors.Is(err, unix.EINVAL) || errors.Is(err, errnoNotSupported)):
		e.Cause, e.Err = "the program is for a device: only the device runs it", errors.ErrUnsupported
	case errors.Is(err, errnoNotSupported):
		e.Cause, e.Err = fmt.Sprintf("the kernel runs no programs of type %s on a packet of the caller's", kernelname.Program(p.Type)), errors.ErrUnsupported
	case errors.Is(err, unix.ENODEV):
		e.Cause = "no device has that ifindex in this network namespace"
	case errors.Is(err, unix.ENOSPC):
		e.Cause = fmt.Sprintf("the program makes more than %d bytes of a packet of %d", len(o.Data)+testRoom, len(o.Data))
	case errors.Is(err, unix.EINVAL) && packetType(p.Type) && headless(o.Data) != "":
		e.Cause = fmt.Sprintf("a packet of %d bytes: the Ethernet header says %s, and newer kernels require the whole header", len(o.Data), headless(o.Data))
	case errors.Is(err, unix.EINVAL) && len(o.Data) > 3000 && packetType(p.Type):
		e.Cause = fmt.Sprintf("a packet of %d bytes: this kernel runs programs of type %s on less than a page", len(o.Data), kernelname.Program(p.Type))
	case errors.Is(err, unix.EINVAL) && len(o.Context) > 0:
		e.Cause = "the kernel refuses these values of the context: " + contextRules(p.Type)
	case errors.Is(err, unix.EINVAL) && len(o.Data) > 3000:
		e.Cause = fmt.Sprintf("a packet of %d bytes: older kernels run programs on less than a page", len(o.Data))
	case (errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EMSGSIZE)) && len(o.Data) > math.MaxUint16: // the second before Linux 5.18
		e.Cause = fmt.Sprintf("a packet of %d bytes is more than the kernel runs a program on", len(o.Data))
	}
	return e
}

// headless is the network protocol whose header the packet announces and does
// not have, "" for none.
func headless(packet []byte) string {
	switch n := len(packet) - ethernetHeader; {
	case binary.BigEndian.Uint16(packet[12:]) == unix.ETH_P_IP && n < 20:
		return "IPv4"
	case binary.BigEndian.Uint16(packet[12:]) == unix.ETH_P_IPV6 && n < 40:
		return "IPv6"
	}
	return ""
}

// packetType reports whether programs of the type run on a socket buffer.
func packetType(t ebpf.ProgramType) bool {
	switch t {
	case ebpf.SocketFilter, ebpf.SchedCLS, ebpf.SchedACT, ebpf.CGroupSKB,
		ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit, ebpf.LWTSeg6Local:
		return true
	default:
		return false
	}
}

// fromEthernet reports whether programs see the Ethernet header.
func fromEthernet(t ebpf.ProgramType) bool {
	return t == ebpf.XDP || t == ebpf.SchedCLS || t == ebpf.SchedACT || !packetType(t)
}
