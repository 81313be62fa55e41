package bpftest

import (
	"encoding/binary"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// EtherType is that of the frames that tests send: IEEE 802's "local
// experimental" one, which nothing else on a test's devices uses.
const EtherType = 0x88b5

// A Tap is a packet socket on a device: it sends frames from it, and sees what
// the network stack receives there, which is what XDP has let pass.
type Tap struct {
	fd int
}

// Tap opens a packet socket on the device with that index. The test's end
// closes it.
func (ns *Namespace) Tap(ifindex int) *Tap {
	ns.t.Helper()
	tap := &Tap{fd: -1}
	ns.Do(func() (err error) {
		proto := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, EtherType))
		tap.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(proto))
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		return unix.Bind(tap.fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: ifindex})
	})
	ns.t.Cleanup(func() { unix.Close(tap.fd) })
	return tap
}

// Frame is an Ethernet frame of 60 bytes whose payload starts with n.
func Frame(n uint32) []byte {
	f := make([]byte, 60)
	copy(f, "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01")
	binary.BigEndian.PutUint16(f[12:], EtherType)
	binary.BigEndian.PutUint32(f[14:], n)
	return f
}

// Send sends a frame, waiting for room.
func (tap *Tap) Send(frame []byte) error {
	for {
		_, err := unix.Write(tap.fd, frame)
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// Offer sends a frame that a program on the device's way out may drop, which
// the kernel reports as if there were no room.
func (tap *Tap) Offer(frame []byte) error {
	_, err := unix.Write(tap.fd, frame)
	if errors.Is(err, unix.ENOBUFS) {
		return nil
	}
	return err
}

// Receive returns the next frame that the stack saw, nil if none came in time.
func (tap *Tap) Receive(wait time.Duration) ([]byte, error) {
	fds := []unix.PollFd{{Fd: int32(tap.fd), Events: unix.POLLIN}}
	for deadline := time.Now().Add(wait); ; {
		n, err := unix.Poll(fds, int(max(0, time.Until(deadline).Milliseconds())))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return nil, err
		}
		buf := make([]byte, 2048)
		n, from, err := unix.Recvfrom(tap.fd, buf, 0)
		if err != nil {
			return nil, err
		}
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
			continue // our own
		}
		return buf[:n], nil
	}
}
