package linkcmd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

func TestChooseDevices(t *testing.T) {
	all := []*netlink.Link{
		{Index: 1, Name: "lo", Flags: unix.IFF_LOOPBACK},
		{Index: 2, Name: "eth0", AltNames: []string{"enp3s0", "uplink"}},
		{Index: 3, Name: "veth1", Group: 5},
		{Index: 4, Name: "veth2", Group: 5},
		{Index: 5, Name: "veth[12]"}, // the kernel takes it
	}
	for _, tt := range []struct {
		name          string
		words         subject.DevicesRequest
		loopback      bool
		want, missing string
	}{
		{name: "all", words: subject.DevicesRequest{All: true}, want: "eth0 veth1 veth2 veth[12]"},
		{name: "all, to detach", words: subject.DevicesRequest{All: true}, loopback: true, want: "lo eth0 veth1 veth2 veth[12]"},
		{name: "a group", words: subject.DevicesRequest{Group: "5"}, want: "veth1 veth2"},
		{name: "the default group", words: subject.DevicesRequest{Group: "default"}, want: "lo eth0 veth[12]"},
		{name: "an empty group", words: subject.DevicesRequest{Group: "0x6"}},
		{name: "the order of the words", words: subject.DevicesRequest{Names: []string{"veth2", "eth0"}}, want: "veth2 eth0"},
		{name: "each once", words: subject.DevicesRequest{Names: []string{"enp3s0", "eth0", "*0", "uplink"}}, want: "eth0"},
		{name: "a pattern", words: subject.DevicesRequest{Names: []string{"veth?"}}, want: "veth1 veth2"},
		{name: "a pattern of alternative names", words: subject.DevicesRequest{Names: []string{"enp*"}}, want: "eth0"},
		{name: "a name like a pattern", words: subject.DevicesRequest{Names: []string{"veth[12]"}}, want: "veth[12]"},
		{name: "a class", words: subject.DevicesRequest{Names: []string{"veth[1-2]"}}, want: "veth1 veth2"},
		{name: "lo, by a pattern", words: subject.DevicesRequest{Names: []string{"l*"}}, want: "lo"},
		{name: "some are missing", words: subject.DevicesRequest{Names: []string{"veth1", "no", "x*"}}, want: "veth1", missing: "no x*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, failed, err := tt.words.Choose(all, tt.loopback)
			if err != nil {
				t.Fatal(err)
			}
			var got, missing []string
			for _, l := range found {
				got = append(got, l.Name)
			}
			for _, f := range failed {
				missing = append(missing, f.Device)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
			if s := strings.Join(missing, " "); s != tt.missing {
				t.Errorf("missing are %s, want %s", s, tt.missing)
			}
		})
	}
}

func TestGroupNamed(t *testing.T) {
	const text = "# device group names\n0\tdefault\n7 edge # ours\n\n0x10 hex\nbad line of words\n-1 negative\nx word\n"
	for name, want := range map[string]uint32{"default": 0, "edge": 7, "hex": 16} {
		if n, ok := subject.GroupNamed(text, name); !ok || n != want {
			t.Errorf("%s: got %d, %t, want %d", name, n, ok, want)
		}
	}
	for _, name := range []string{"ours", "line", "negative", "word", "", "edg"} {
		if n, ok := subject.GroupNamed(text, name); ok {
			t.Errorf("%q: got %d", name, n)
		}
	}
}

// Long lists stay short: a line for all that came out alike.
func TestManyReportText(t *testing.T) {
	var l linkSetReports
	for i := range 10 {
		l = append(l, &linkSetReport{Device: "v" + string(rune('0'+i)), Detached: &subject.ProgramReport{ID: 7}, Mode: netlink.XDPNative})
	}
	l = append(l, &linkSetReport{Device: "a"}, &linkSetReport{Device: "b"}, &linkSetReport{Device: "c", Error: &subject.Refusal{}})
	var b render.Text
	l.WriteText(&b, render.Options{})
	const want = "10 devices: detached program id 7 (native)\na b: no program was attached\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}
