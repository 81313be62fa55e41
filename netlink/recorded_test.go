package netlink

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// recorded is a time stamp, which is left out, and a qdisc, as rtmon writes them.
func recorded(t testing.TB) []byte {
	t.Helper()
	r := qdiscRequest("", unix.RTM_NEWQDISC, 0, Clsact(3))
	var b []byte
	for _, m := range []netlink.Message{
		{Header: netlink.Header{Length: unix.NLMSG_HDRLEN + 8, Type: 15}, Data: make([]byte, 8)},
		{Header: netlink.Header{Length: uint32(unix.NLMSG_HDRLEN + len(r.b)), Type: unix.RTM_NEWQDISC}, Data: r.b},
	} {
		one, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, one...)
	}
	return b
}

func TestRecordedEvents(t *testing.T) {
	good := recorded(t)
	for _, tt := range []struct {
		name   string
		file   []byte
		qdiscs int
		err    string
	}{
		{"empty", nil, 0, ""},
		{"two", append(bytes.Clone(good), good...), 2, ""},
		{"cut in a header", good[:30], 0, "message 2: unexpected EOF"},
		{"cut in a message", good[:len(good)-1], 0, "message 2: unexpected EOF"},
		{"no header", []byte(strings.Repeat("teet", 8)), 0, "message 1: it claims to have 1952802164 bytes"},
	} {
		qdiscs, got := 0, ""
		for ev, err := range RecordedEvents(bytes.NewReader(tt.file)) {
			if err != nil {
				got = err.Error()
			} else if ev.Qdisc.Kind == "clsact" && ev.Qdisc.Ifindex == 3 {
				qdiscs++
			}
		}
		if qdiscs != tt.qdiscs || got != tt.err {
			t.Errorf("%s: %d qdiscs, error %q", tt.name, qdiscs, got)
		}
	}
}

func FuzzRecordedEvents(f *testing.F) {
	f.Add(recorded(f))
	f.Fuzz(func(_ *testing.T, b []byte) {
		for _, err := range RecordedEvents(bytes.NewReader(b)) {
			if err != nil { // and no panic
				return
			}
		}
	})
}
