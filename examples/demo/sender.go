package main

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// sender sends frames from a device.
type sender struct {
	fd int
}

// frame is a broadcast of the "local experimental" EtherType 0x88b5.
var frame = append([]byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x88\xb5"), make([]byte, 46)...)

func newSender(ifindex int) (*sender, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &sender{fd}, unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: ifindex})
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

// burst sends n frames and gives them the time to arrive.
func (s *sender) burst(n int) error {
	for range n {
		if err := s.one(); err != nil {
			return err
		}
	}
	time.Sleep(50 * time.Millisecond)
	return nil
}

// stream sends until the function that it returns is called, which tells how
// many were sent. It leaves pauses, or the receiving queue would overflow on a
// small machine.
func (s *sender) stream() (stop func() int) {
	done, sent := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for ; !closed(done); n++ {
			if s.one() != nil {
				break
			}
			if n%32 == 0 {
				time.Sleep(200 * time.Microsecond)
			}
		}
		sent <- n
	}()
	return func() int {
		close(done)
		n := <-sent
		time.Sleep(50 * time.Millisecond)
		return n
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
