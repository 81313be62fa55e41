package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sender sends frames from the peer.
type sender struct {
	fd      int
	devices *os.File // the counters of the namespace's devices
}

// frame is a broadcast of the "local experimental" EtherType 0x88b5.
var frame = append([]byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x88\xb5"), make([]byte, 46)...)

func newSender(ifindex int) (*sender, error) {
	devices, err := os.Open("/proc/thread-self/net/dev")
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &sender{fd, devices}, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: ifindex})
}

// one sends a frame. A full queue is waited for.
func (s *sender) one() error {
	for {
		_, err := unix.Write(s.fd, frame)
		if !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
			return err
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// window is how many frames may be under way: the queue of a veth device holds
// 256, and drops what comes on top.
const window = 64

// burst sends n frames, and waits until the device has received all but those
// that its queue holds.
func (s *sender) burst(n int) error {
	before, err := s.received()
	if err != nil {
		return err
	}
	for i := range n {
		if err := s.one(); err != nil {
			return err
		}
		if i%window == window-1 {
			if err := s.await(before + i + 1 - window); err != nil {
				return err
			}
		}
	}
	return nil
}

// stream sends until the function that it returns is called, which tells how
// many were sent.
func (s *sender) stream() (stop func() (sent int, err error)) {
	done, ended := make(chan struct{}), make(chan error)
	sent := 0
	go func() {
		for {
			select {
			case <-done:
				ended <- nil
				return
			default:
			}
			if err := s.burst(window); err != nil {
				<-done
				ended <- err
				return
			}
			sent += window
		}
	}()
	return func() (int, error) {
		close(done)
		err := <-ended
		return sent, err
	}
}

// await waits until the device has received n packets.
func (s *sender) await(n int) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Microsecond) {
		have, err := s.received()
		if err != nil || have >= n {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s received %d packets of %d", device, have, n)
		}
	}
}

// received is how many packets the device has received so far, with those that
// a program dropped. A line of the counters is "eth0: BYTES PACKETS …".
func (s *sender) received() (int, error) {
	b := make([]byte, 4096)
	n, err := s.devices.ReadAt(b, 0)
	_, line, _ := strings.Cut(string(b[:n]), device+":")
	counters := strings.Fields(line)
	if len(counters) < 2 {
		return 0, fmt.Errorf("no counters of %s: %w", device, err)
	}
	return strconv.Atoi(counters[1])
}
