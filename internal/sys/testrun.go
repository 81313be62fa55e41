package sys

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// TestRun is what BPF_PROG_TEST_RUN is asked for, and what it answers.
type TestRun struct {
	Repeat  uint32 // 0 is once
	Data    []byte // the packet
	Context []byte // struct xdp_md or __sk_buff of include/uapi/linux/bpf.h, nil for none

	// Room for what comes out, shortened to what did: ENOSPC says that it was
	// too little.
	DataOut, ContextOut []byte

	Retval   uint32 // of the last run
	Duration uint32 // nanoseconds a run
}

// testRunAttr is the BPF_PROG_TEST_RUN member of union bpf_attr, up to ctx_out:
// what follows is newer than some kernels.
type testRunAttr struct {
	progFD      uint32
	retval      uint32
	dataSizeIn  uint32
	dataSizeOut uint32
	dataIn      pointer
	dataOut     pointer
	repeat      uint32
	duration    uint32
	ctxSizeIn   uint32
	ctxSizeOut  uint32
	ctxIn       pointer
	ctxOut      pointer
}

// RunProgram runs a program on a packet that is not on any device, in the
// network namespace of the calling thread. The error is the errno: ENOTSUPP
// (524) where programs of the type cannot be run so.
func RunProgram(program int, t *TestRun) error {
	attr := testRunAttr{
		progFD:      uint32(program),
		dataSizeIn:  uint32(len(t.Data)),
		dataIn:      bytesPointer(t.Data),
		dataSizeOut: uint32(len(t.DataOut)),
		dataOut:     bytesPointer(t.DataOut),
		repeat:      t.Repeat,
		ctxSizeIn:   uint32(len(t.Context)),
		ctxIn:       bytesPointer(t.Context),
		ctxSizeOut:  uint32(len(t.ContextOut)),
		ctxOut:      bytesPointer(t.ContextOut),
	}
	_, err := bpf(unix.BPF_PROG_TEST_RUN, &attr)
	for errors.Is(err, unix.EINTR) { // a signal between two runs
		_, err = bpf(unix.BPF_PROG_TEST_RUN, &attr)
	}
	runtime.KeepAlive(t)
	if err != nil {
		return err
	}
	t.DataOut = t.DataOut[:min(len(t.DataOut), int(attr.dataSizeOut))]
	t.ContextOut = t.ContextOut[:min(len(t.ContextOut), int(attr.ctxSizeOut))]
	t.Retval, t.Duration = attr.retval, attr.duration
	return nil
}
