package attach

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/internal/sys"
)

// attachFailed is the tracepoint to which the kernel tells why it makes no bpf_link of XDP,
// as bpf(2) has no place for a sentence (Linux 6.7, include/trace/events/xdp.h).
const attachFailed = "bpf_xdp_link_attach_failed"

// sentenceSize is room for a sentence: those with numbers in them have up to 80 bytes
// (NETLINK_MAX_FMTMSG_LEN), and the others are drivers' constants.
const sentenceSize = 256

// overhear returns what the kernel tells that tracepoint about this thread while try runs: ""
// where it has none or tells it nothing, and for who may not listen, which takes CAP_PERFMON.
func overhear(try func()) (says string) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	heard, err := sys.CreateMap("", sys.Map{Type: uint32(ebpf.Array), KeySize: 4, ValueSize: sentenceSize, MaxEntries: 1})
	if err != nil {
		try()
		return ""
	}
	defer sys.Close(heard)
	if listener, err := listen(heard); err == nil {
		defer sys.Close(listener)
	}
	try()
	sentence := make([]byte, sentenceSize)
	if sys.LookupElem(heard, make([]byte, 4), sentence) != nil {
		return ""
	}
	sentence, _, _ = bytes.Cut(sentence, []byte{0})
	return string(sentence)
}

// listen has what this thread is told copied to the first value of a map.
func listen(heard int) (int, error) {
	// The thread's number is that of its own namespace.
	var ns unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &ns); err != nil {
		return -1, err
	}
	code, err := assemble(fmt.Sprintf(`
		r6 = r1
		r1 = %#x ll
		r2 = %#x ll
		r3 = r10
		r3 += -8
		r4 = 8
		call bpf_get_ns_current_pid_tgid
		if r0 != 0 goto pc+7
		r0 = *(u32 *)(r10 -8)
		if r0 != %#x goto pc+5
		r1 = map[fd:%d][0]+0
		r2 = %d
		r3 = *(u64 *)(r6 +0)
		call bpf_probe_read_kernel_str
		r0 = 0
		exit`, ns.Dev, ns.Ino, unix.Gettid(), heard, sentenceSize))
	if err != nil {
		return -1, err
	}
	fd, err := sys.LoadProgram(&sys.Program{Type: uint32(ebpf.RawTracepoint), License: "GPL", Insns: code})
	if err != nil {
		return -1, err
	}
	defer sys.Close(fd)
	return sys.OpenRawTracepoint(attachFailed, fd)
}

// assemble writes the instructions of a text, which has a line for each.
func assemble(text string) (code []byte, err error) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		i, operand, err := insn.Parse(strings.TrimSpace(line))
		if err != nil || operand != "" {
			return nil, errors.Join(err, fmt.Errorf("%q", operand))
		}
		code = i.Append(code, binary.NativeEndian)
	}
	return code, nil
}
