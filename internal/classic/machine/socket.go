package machine

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/classic"
)

// A Socket is a pair of datagram sockets of the kernel, one of which has a filter.
// What is sent to it is to the filter a packet from its first byte on. It comes
// from no device and has no header that the kernel knows: the extensions but len,
// cpu and rand tell of an empty sk_buff, and ifidx and hatype accept nothing.
type Socket struct {
	from, to int
	buffer   []byte
}

// NewSocket attaches the filter to a socket. The caller closes it. No privilege is
// needed.
func NewSocket(filter []classic.Instruction) (*Socket, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	s := &Socket{from: pair[0], to: pair[1]}
	raw := make([]unix.SockFilter, len(filter))
	for at, i := range filter {
		raw[at] = unix.SockFilter{Code: i.Code, Jt: i.JT, Jf: i.JF, K: i.K}
	}
	if len(raw) > classic.MaxInstructions || len(raw) == 0 {
		s.Close()
		return nil, fmt.Errorf("%d instructions, the kernel takes 1 to %d", len(raw), classic.MaxInstructions)
	}
	program := unix.SockFprog{Len: uint16(len(raw)), Filter: &raw[0]}
	if err := unix.SetsockoptSockFprog(s.to, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		s.Close()
		err = os.NewSyscallError("SO_ATTACH_FILTER", err)
		if errors.Is(err, unix.ENOMEM) {
			err = fmt.Errorf("%w: net.core.optmem_max bounds how long a socket's filter can be", err)
		}
		return nil, err
	}
	return s, nil
}

// Run returns how many bytes of the packet the filter keeps, 0 if it does not
// accept it. It is not safe for concurrent use.
func (s *Socket) Run(packet []byte) (int, error) {
	_, err := unix.Write(s.from, packet)
	if errors.Is(err, unix.EMSGSIZE) {
		return 0, fmt.Errorf("a packet of %d bytes: net.core.wmem_default bounds what goes through a socket: %w", len(packet), err)
	}
	if err != nil {
		return 0, os.NewSyscallError("write", err)
	}
	if len(s.buffer) <= len(packet) {
		s.buffer = make([]byte, len(packet)+1)
	}
	n, err := unix.Read(s.to, s.buffer)
	if errors.Is(err, unix.EAGAIN) {
		return 0, nil
	}
	return n, os.NewSyscallError("read", err)
}

// Close closes the sockets.
func (s *Socket) Close() error { return errors.Join(unix.Close(s.from), unix.Close(s.to)) }
