package bpftest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Patience is how long a test waits for what is sure to come. It decides no
// result: it is there so that a test that would hang ends with a word of why.
const Patience = 2 * time.Minute

// markerType is IEEE 802's second local experimental EtherType, that of markers.
const markerType = EtherType + 1

var marker atomic.Uint32

// Settle returns when every packet that was sent before has gone all its way,
// or was dropped on it. A packet that arrives at a device waits in a queue of the
// CPU that sent it, and these are worked off in their order (net_rx_action in
// net/core/dev.c). So markers go behind it, over the loopback device: two on each
// CPU, since a packet that is sent on waits once more behind the first one, and
// all of it twice, since it may be sent on to where another CPU is at work.
func (ns *Namespace) Settle() error {
	ns.settles.Lock()
	defer ns.settles.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return err
	}
	defer unix.SchedSetaffinity(0, &allowed) //nolint:errcheck // it was so before
	for range 2 {
		if err := ns.markEach(&allowed); err != nil {
			return err
		}
	}
	return nil
}

// markEach sends two markers on each CPU.
func (ns *Namespace) markEach(allowed *unix.CPUSet) error {
	left := allowed.Count()
	for cpu := 0; left > 0; cpu++ {
		if !allowed.IsSet(cpu) {
			continue
		}
		left--
		var one unix.CPUSet
		one.Set(cpu)
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			return fmt.Errorf("go to CPU %d: %w", cpu, err)
		}
		for range 2 {
			if err := ns.markers().echo(marker.Add(1)); err != nil {
				return err
			}
		}
	}
	return nil
}

// echo sends a marker and waits until it comes in again.
func (tap *Tap) echo(n uint32) error {
	if err := tap.Send(frameOf(markerType, n)); err != nil {
		return err
	}
	for deadline := time.Now().Add(Patience); ; {
		frame, err := tap.next()
		switch {
		case err != nil:
			return err
		case frame != nil && binary.BigEndian.Uint32(frame[14:]) == n:
			return nil
		case frame != nil:
			continue // of a time when it was not waited for
		case time.Now().After(deadline):
			return errors.New("a marker does not come over lo")
		}
		fds := []unix.PollFd{{Fd: int32(tap.fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, int(time.Second.Milliseconds())); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
