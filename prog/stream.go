package prog

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
)

// Stream is where a program writes text to, since Linux 6.17.
type Stream int

// The streams of a program (enum bpf_stream_id in kernel/bpf/stream.c). The kernel itself
// writes to Stderr what went wrong while the program ran.
const (
	Stdout Stream = sys.StreamStdout
	Stderr Stream = sys.StreamStderr
)

// String is "stdout" or "stderr".
func (s Stream) String() string {
	if s == Stderr {
		return "stderr"
	}
	return "stdout"
}

// ReadStream takes text that the program has written out of a stream, as much as b has
// room for: what is read nobody else gets. It does not wait; 0 is none. The error is
// [errors.ErrUnsupported] where the kernel keeps no streams.
func (p *Program) ReadStream(s Stream, b []byte) (int, error) {
	n, err := sys.ReadStream(p.FD(), int(s), b)
	if errors.Is(err, unix.EINVAL) {
		err = fmt.Errorf("the kernel keeps no text of programs, which came with Linux 6.17: %w", errors.ErrUnsupported)
	}
	return max(0, n), err
}
