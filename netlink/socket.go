package netlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A socket is what [netlink.Conn] needs for requests. The kernel answers each
// before the call that sends it returns, or while its answers are read, so calls
// block and need no poller: with one, a goroutine is started for each message,
// and with it a thread.
type socket struct {
	fd     int
	buffer []byte
}

// openSocket opens a socket in the network namespace of the calling thread. The
// kernel binds it when it is first used.
func openSocket() (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &socket{fd: fd, buffer: make([]byte, receiveBuffer)}
	for _, option := range []int{unix.NETLINK_EXT_ACK, unix.NETLINK_GET_STRICT_CHK} {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, option, 1); err != nil {
			_ = s.Close()
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	return s, nil
}

// Close closes the socket.
func (s *socket) Close() error {
	err := unix.Close(s.fd)
	s.fd = -1
	return os.NewSyscallError("close", err)
}

// Send sends one message.
func (s *socket) Send(m netlink.Message) error { return s.SendMessages([]netlink.Message{m}) }

// SendMessages sends messages as one datagram.
func (s *socket) SendMessages(all []netlink.Message) error {
	var datagram []byte
	for _, m := range all {
		b, err := m.MarshalBinary()
		if err != nil {
			return err
		}
		datagram = append(datagram, b...)
	}
	for {
		err := unix.Send(s.fd, datagram, 0)
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("sendto", err)
		}
	}
}

// Receive returns the messages of one datagram, which are valid until the next.
func (s *socket) Receive() (all []netlink.Message, err error) {
	for m, err := range s.ReceiveIter() {
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// ReceiveIter yields the messages of one datagram. A message is valid until the
// next datagram: nothing of it is copied.
func (s *socket) ReceiveIter() iter.Seq2[netlink.Message, error] {
	return func(yield func(netlink.Message, error) bool) {
		b, err := s.read()
		for err == nil && len(b) > 0 {
			var m netlink.Message
			if m, b, err = cutMessage(b); err == nil && !yield(m, nil) {
				return
			}
		}
		if err != nil {
			yield(netlink.Message{}, err)
		}
	}
}

// read returns one datagram.
func (s *socket) read() ([]byte, error) {
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buffer, unix.MSG_TRUNC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			s.drain()
			return nil, os.NewSyscallError("recvfrom", err)
		case err != nil:
			return nil, os.NewSyscallError("recvfrom", err)
		case n > len(s.buffer):
			return nil, fmt.Errorf("a reply of %d bytes, with room for %d", n, len(s.buffer))
		}
		return s.buffer[:n], nil
	}
}

// drain drops what came before the socket's buffer was full. As long as any of it
// is there, the kernel drops the replies to later requests without a word
// (net/netlink/af_netlink.c, netlink_overrun).
func (s *socket) drain() {
	for {
		_, _, err := unix.Recvfrom(s.fd, s.buffer, unix.MSG_DONTWAIT)
		if err != nil && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ENOBUFS) {
			return // most often EAGAIN
		}
	}
}

// cutMessage takes the first message off a datagram: struct nlmsghdr of
// linux/netlink.h, 16 bytes, data, and padding to 4 bytes.
func cutMessage(b []byte) (m netlink.Message, rest []byte, err error) {
	if len(b) < unix.NLMSG_HDRLEN {
		return m, nil, errShort
	}
	n := binary.NativeEndian.Uint32(b)
	if n < unix.NLMSG_HDRLEN || uint64(n) > uint64(len(b)) {
		return m, nil, fmt.Errorf("a message of %d bytes in %d", n, len(b))
	}
	m.Header = netlink.Header{
		Length:   n,
		Type:     netlink.HeaderType(binary.NativeEndian.Uint16(b[4:])),
		Flags:    netlink.HeaderFlags(binary.NativeEndian.Uint16(b[6:])),
		Sequence: binary.NativeEndian.Uint32(b[8:]),
		PID:      binary.NativeEndian.Uint32(b[12:]),
	}
	m.Data = b[unix.NLMSG_HDRLEN:n:n]
	return m, b[min(align4(int(n)), len(b)):], nil
}
