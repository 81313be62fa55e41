package netlink

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
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
	b[0] = byte(n)
	return b
}
