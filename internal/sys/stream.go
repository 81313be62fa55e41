package sys

// The streams that a program writes to, enum bpf_stream_id of kernel/bpf/stream.c.
const (
	StreamStdout = 1
	StreamStderr = 2
)

const progStreamReadByFD = 37 // BPF_PROG_STREAM_READ_BY_FD, include/uapi/linux/bpf.h, since 6.17

// progStreamReadAttr is the prog_stream_read member of union bpf_attr.
type progStreamReadAttr struct {
	buf    pointer
	bufLen uint32
	stream uint32
	progFD uint32
	_      uint32
}

// ReadStream takes what a program has written to a stream out of it, as much as b has room
// for; 0 is nothing. The error is EINVAL where the kernel keeps no streams.
func ReadStream(progFD, stream int, b []byte) (int, error) {
	return bpf(progStreamReadByFD, &progStreamReadAttr{
		buf: bytesPointer(b), bufLen: uint32(len(b)), stream: uint32(stream), progFD: uint32(progFD),
	})
}
