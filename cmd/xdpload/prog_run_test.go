package main

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/pcap"
)

// captureFrames is the script command "capture FILE COUNT [LINK]": frames with
// the numbers from 0 on, one second apart.
func captureFrames(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	link := pcap.Ethernet
	if len(args) > 2 {
		link = pcap.Raw
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	w, err := pcap.NewWriter(f, link)
	ts.Check(err)
	for i := range n {
		ts.Check(w.Write(&pcap.Packet{Time: time.Unix(int64(1_000_000+i), 0), Data: bpftest.Frame(uint32(i))}))
	}
	ts.Check(w.Flush())
}

func TestEdits(t *testing.T) {
	for _, tt := range []struct {
		name, before, now string
		want              []packetEdit
	}{
		{name: "same", before: "abcd", now: "abcd", want: []packetEdit{}},
		{name: "two places", before: "abcdef", now: "Xbcdyz", want: []packetEdit{{0, "61", "58"}, {4, "6566", "797a"}}},
		{name: "longer in the middle", before: "abcd", now: "abXYcd", want: []packetEdit{{2, "", "5859"}}},
		{name: "shorter at the head", before: "abcd", now: "cd", want: []packetEdit{{0, "6162", ""}}},
		{name: "shorter at the tail", before: "aaaa", now: "aa", want: []packetEdit{{2, "6161", ""}}},
		{name: "all else", before: "ab", now: "xyz", want: []packetEdit{{0, "6162", "78797a"}}},
		{name: "empty", before: "", now: "x", want: []packetEdit{{0, "", "78"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, edits([]byte(tt.before), []byte(tt.now))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
