package netlink

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// longestMessage bounds what a header that is none can claim.
const longestMessage = 1 << 20

// RecordedEvents reads the events that rtmon(8) has recorded, which tc(8) reads
// with "monitor file": netlink messages in the machine's byte order, each padded
// to 4 bytes. Messages about something else, among them rtmon's time stamps, are
// left out. An error is the last.
func RecordedEvents(r io.Reader) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		in := bufio.NewReader(r)
		for n := 1; ; n++ {
			m, err := readMessage(in)
			if errors.Is(err, io.EOF) {
				return
			}
			var ev *Event
			if err == nil {
				ev, err = decodeEvent(m)
			}
			if err != nil {
				yield(nil, fmt.Errorf("message %d: %w", n, err))
				return
			}
			if ev != nil && !yield(ev, nil) {
				return
			}
		}
	}
}

func readMessage(r io.Reader) (m netlink.Message, err error) {
	b := make([]byte, unix.NLMSG_HDRLEN)
	if _, err := io.ReadFull(r, b); err != nil {
		return m, err
	}
	length := binary.NativeEndian.Uint32(b)
	if length < unix.NLMSG_HDRLEN || length > longestMessage {
		return m, fmt.Errorf("it claims to have %d bytes", length)
	}
	b = append(b, make([]byte, align4(int(length))-len(b))...)
	if _, err := io.ReadFull(r, b[unix.NLMSG_HDRLEN:]); err != nil {
		return m, io.ErrUnexpectedEOF
	}
	m, _, err = cutMessage(b)
	return m, err
}
