package netlink

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// TestSocketMessages: every message of a datagram comes out, and a datagram
// that is cut short is an error.
func TestSocketMessages(t *testing.T) {
	first := netlink.Message{Header: netlink.Header{Type: 16, Flags: 5, Sequence: 7, PID: 9}, Data: []byte("five!")}
	second := netlink.Message{Header: netlink.Header{Type: netlink.Done, Sequence: 8}, Data: []byte{}}
	var datagram []byte
	for _, m := range []*netlink.Message{&first, &second} {
		m.Header.Length = uint32(16 + len(m.Data))
		b, err := m.MarshalBinary()
		if err != nil {
			b = append(headerOf(t, *m), append(m.Data, 0, 0, 0)...)
		}
		datagram = append(datagram, b...)
	}
	var got []netlink.Message
	for rest := datagram; len(rest) > 0; {
		m, next, err := cutMessage(rest)
		if err != nil {
			t.Fatal(err)
		}
		got, rest = append(got, m), next
	}
	if diff := cmp.Diff([]netlink.Message{first, second}, got); diff != "" {
		t.Error(diff)
	}
	for _, n := range []int{1, 15, 17, 20} {
		if _, _, err := cutMessage(datagram[:n]); err == nil {
			t.Errorf("%d bytes of a message of 21 are no error", n)
		}
	}
}

// TestSocketOptions: the kernel says why it refuses, and does not overlook what it
// does not know in what asks for a list; a command that is started has no socket of ours.
func TestSocketOptions(t *testing.T) {
	s, err := openSocket()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	checkOptions(t, "of requests", s.fd)
	m, err := Subscribe(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	raw, err := m.nl.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { checkOptions(t, "of events", int(fd)) }); err != nil {
		t.Fatal(err)
	}
}

func checkOptions(t *testing.T, socket string, fd int) {
	t.Helper()
	for name, option := range map[string]int{"extended acknowledgements": unix.NETLINK_EXT_ACK, "strict checks": unix.NETLINK_GET_STRICT_CHK} {
		if on, err := unix.GetsockoptInt(fd, unix.SOL_NETLINK, option); on != 1 || err != nil {
			t.Errorf("the socket %s has %s: %d, %v", socket, name, on, err)
		}
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("the socket %s is inherited: flags %#x, %v", socket, flags, err)
	}
}

// TestSocketTruncated: a reply of which the end is lost is none, whatever it begins with.
func TestSocketTruncated(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range ends {
		defer unix.Close(fd)
	}
	s := &socket{fd: ends[0], buffer: make([]byte, 20)}
	whole := netlink.Message{Header: netlink.Header{Length: 20, Type: 16}, Data: make([]byte, 4)}
	first, err := whole.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		datagram []byte
		want     string // in the error, empty for none
	}{
		{first, ""},
		{append(first, first...), "a reply of 40 bytes, with room for 20"},
	} {
		if err := unix.Send(ends[1], tt.datagram, 0); err != nil {
			t.Fatal(err)
		}
		all, err := s.Receive()
		if ok := err == nil && len(all) == 1; tt.want == "" && !ok {
			t.Errorf("%d messages, %v", len(all), err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%d messages, %v, want %s", len(all), err, tt.want)
		}
	}
}

// headerOf is the header of a message whose length is no multiple of 4, which
// the library does not write.
func headerOf(t *testing.T, m netlink.Message) []byte {
	t.Helper()
	n := m.Header.Length
	m.Data, m.Header.Length = nil, 16
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	binary.NativeEndian.PutUint32(b, n)
	return b
}
