package bpftest

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// EtherType is that of the frames that tests send: IEEE 802's "local
// experimental" one, which nothing else on a test's devices uses.
const EtherType = 0x88b5

// A Tap is a packet socket on a device: it sends frames from it, and sees what
// the network stack receives there, which is what XDP has let pass.
type Tap struct {
	ns *Namespace
	fd int
}

// Tap opens a packet socket on the device with that index. The test's end
// closes it.
func (ns *Namespace) Tap(ifindex int) *Tap { return ns.TapOf(ifindex, EtherType) }

// TapOf is a Tap that sees the frames of another EtherType.
func (ns *Namespace) TapOf(ifindex int, etherType uint16) *Tap {
	ns.t.Helper()
	tap := &Tap{ns: ns, fd: -1}
	ns.Do(func() (err error) {
		proto := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, etherType))
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
func Frame(n uint32) []byte { return frameOf(EtherType, n) }

func frameOf(etherType uint16, n uint32) []byte {
	f := make([]byte, 60)
	copy(f, "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01")
	binary.BigEndian.PutUint16(f[12:], etherType)
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

// Receive returns the next frame that the stack saw, or nil if it saw none of
// all that were sent before.
func (tap *Tap) Receive() ([]byte, error) {
	frame, err := tap.next()
	if frame != nil || err != nil {
		return frame, err
	}
	if err := tap.ns.Settle(); err != nil {
		return nil, err
	}
	return tap.next()
}

// next is the next frame that is there already.
func (tap *Tap) next() ([]byte, error) {
	buf := make([]byte, 2048)
	for {
		n, from, err := unix.Recvfrom(tap.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil, nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, os.NewSyscallError("recvfrom", err)
		}
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
			continue // our own
		}
		return buf[:n], nil
	}
}

// Traffic is frames that a goroutine sends, one after the other.
type Traffic struct {
	tap  *Tap
	sent atomic.Int64
	stop atomic.Bool
	done chan error
}

// SendAll sends n frames, with the numbers from 0 on, and returns when all of them
// have gone their way.
func (tap *Tap) SendAll(n int) error {
	return tap.sendWhile(func(sent int) bool { return sent < n })
}

// sendWhile waits every few frames until they have gone their way, so that no
// queue overflows.
func (tap *Tap) sendWhile(more func(sent int) bool) error {
	for n := 0; more(n); n++ {
		if err := tap.Send(Frame(uint32(n))); err != nil {
			return err
		}
		if n%128 == 127 {
			if err := tap.ns.Settle(); err != nil {
				return err
			}
		}
	}
	return tap.ns.Settle()
}

// Start begins to send frames, with the numbers from 0 on.
func (tap *Tap) Start() *Traffic {
	tap.ns.t.Helper()
	tr := &Traffic{tap: tap, done: make(chan error, 1)}
	if err := tap.ns.Settle(); err != nil {
		tap.ns.t.Fatal(err)
	}
	go func() { tr.done <- tr.run() }()
	return tr
}

func (tr *Traffic) run() error {
	return tr.tap.sendWhile(func(n int) bool {
		tr.sent.Store(int64(n))
		return !tr.stop.Load()
	})
}

// Sent is how many frames were sent up to now.
func (tr *Traffic) Sent() int { return int(tr.sent.Load()) }

// Stop returns how many were sent, when all of them have gone their way.
func (tr *Traffic) Stop() int {
	tr.tap.ns.t.Helper()
	tr.stop.Store(true)
	if err := <-tr.done; err != nil {
		tr.tap.ns.t.Error(err)
	}
	return tr.Sent()
}
