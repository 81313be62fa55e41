package convert_test

import (
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/classic"
	"github.com/xdpload/xdpload/internal/classic/convert"
)

var options = [...]convert.Options{
	convert.XDP: {Hook: convert.XDP, Match: convert.XDPDrop, Rest: convert.XDPPass},
	convert.TC:  {Hook: convert.TC, Match: convert.TCDrop, Rest: convert.TCNext},
}

// TestExtensions runs every extension on both hooks, or sees it refused by name.
// A test run's packet is untagged, comes from lo, which is device 1 and not the
// one it is for, and has neither mark nor hash.
func TestExtensions(t *testing.T) {
	tests := []struct {
		text    string
		xdp, tc string // "accept", "reject", or what is said
	}{
		{"ld #proto jeq #0x800, yes ret #0 yes: ret #1", "accept", "accept"},
		{"ldb #type jeq #3, yes ret #0 yes: ret #1", "no type in XDP: there is no sk_buff yet", "accept"},
		{"ld #poff ret a", "no poff in XDP: only the kernel finds it", "no poff in tc: only the kernel finds it"},
		{"ld #ifidx jeq #1, yes ret #0 yes: ret #1", "accept", "accept"},
		{"ld #nla ret a", "no nla in XDP", "no nla in tc"},
		{"ld #nlan ret a", "no nlan in XDP", "no nlan in tc"},
		{"ld #mark jeq #0, yes ret #0 yes: ret #1", "no mark in XDP: there is no sk_buff yet", "accept"},
		{"ld #queue jeq #0, yes ret #0 yes: ret #1", "no queue in XDP: the queue of an sk_buff is set later", "accept"},
		{"ld #hatype ret a", "no hatype in XDP: a program does not see", "no hatype in tc: a program does not see"},
		{"ld #rxhash jeq #0, yes ret #0 yes: ret #1", "no rxhash in XDP", "accept"},
		{"ld #cpu jlt #4096, yes ret #0 yes: ret #1", "accept", "accept"},
		{"ld #vlan_tci jeq #0, yes ret #0 yes: ret #1", "no vlan_tci in XDP: the tag is still in the packet, at [12]", "accept"},
		{"ld #vlan_avail jeq #0, yes ret #0 yes: ret #1", "accept", "accept"},
		{"ld #vlan_avail add #1 ret a", "accept", "accept"},
		{"ld #vlan_tpid jeq #0x8100, yes ret #0 yes: ret #1", "no vlan_tpid in XDP", "reject"},
		{"ld #rand rsh #31 rsh #1 add #1 ret a", "accept", "accept"},
		{"ldx #3 ld #5 ld [-4056] jeq #3, yes ret #0 yes: ret #1", "reject", "reject"}, // 5 ^ 3 is 6
		{"ldx #3 ld #5 ld [-4056] jeq #6, yes ret #0 yes: ret #1", "accept", "accept"},
		{"ldx #len txa jeq #60, yes ret #0 yes: ret #1", "accept", "accept"},
		{"ld #len jeq #60, yes ret #0 yes: ret #1", "accept", "accept"},
		{"ldh [-2097140] jeq #0x800, yes ret #0 yes: ret #1", "accept", "accept"},
		{"ldx 4*([-2097138]&0xf) txa jeq #20, yes ret #0 yes: ret #1", "accept", "accept"},
		{"ldb [-2000000] ret #1", "reject", "reject"},
		{"ldb [-2147483648] ret #1", "reject", "reject"},
		{"ldb [-1048576] ret #1", "(ldb [-1048576]): an offset from the network's header", "an offset from the network's header"},
		{"ldx 4*([-1048576]&0xf) ret #1", "an offset from the network's header", "an offset from the network's header"},
		{"ldx #2 ldb [x + -1048576] ret #1", "an offset from a header and X", "an offset from a header and X"},
		{"ldx #-4 ldb [x + 26] jeq #64, yes ret #0 yes: ret #1", "accept", "accept"},
	}
	bpftest.Need(t, bpftest.Root)
	frame := append([]byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00\x45\x00\x00\x2e\x00\x00\x00\x00\x40\x11"), make([]byte, 36)...)
	for _, tt := range tests {
		program, _, err := classic.Assemble(tt.text)
		if err != nil {
			t.Fatalf("%s: %v", tt.text, err)
		}
		for _, o := range options {
			want := tt.xdp
			if o.Hook == convert.TC {
				want = tt.tc
			}
			got := verdict(t, program, o, frame)
			if got != want && (len(want) < 7 || !strings.Contains(got, want)) {
				t.Errorf("%s: %v: got %s, want %s", tt.text, o.Hook, got, want)
			}
		}
	}
}

// verdict says what becomes of a frame, or of the filter.
func verdict(t *testing.T, program []classic.Instruction, o convert.Options, frame []byte) string {
	t.Helper()
	image, err := convert.Object(program, o)
	if err != nil {
		return err.Error()
	}
	p, err := load(t, image)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := run(p, uint32(o.Match), uint32(o.Rest))(frame)
	switch {
	case err != nil:
		t.Fatal(err)
	case accepted:
		return "accept"
	}
	return "reject"
}

// TestHooksAgree: what an XDP program works out of the packet is what an sk_buff has.
func TestHooksAgree(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	frames := packets(500)
	if bpftest.InGuest() {
		frames = frames[:50]
	}
	for _, text := range []string{
		"ld #proto jeq #0x800, yes ret #0 yes: ret #1",
		"ld #proto jeq #1, yes jeq #4, yes jeq #0x8100, yes ret #0 yes: ret #1",
		"ld #vlan_avail jeq #1, b ldh [12] jeq #0x8100, in ret #0 in: ldh [14] jmp id b: ld #vlan_tci id: and #0xfff jeq #5, yes ret #0 yes: ret #1",
		"ldb #vlan_avail jeq #0, no ld #vlan_tpid ret a no: ldh [12] jeq #0x88a8, yes ret #0 yes: ret #1",
		"ldb #vlan_avail jset #1, t ldb [15] ret a t: ld #mark ret #1",
	} {
		program, _, err := classic.Assemble(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var judges []judge
		for _, o := range options {
			image, err := convert.Object(program, o)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			p, err := load(t, image)
			if err != nil {
				t.Fatal(err)
			}
			judges = append(judges, judge{o.Hook.String(), run(p, uint32(o.Match), uint32(o.Rest))})
		}
		n, err := compare(judges, frames)
		if err != nil || n == 0 || n == len(frames) {
			t.Errorf("%s: %d accepted: %v", text, n, err)
		}
	}
}

// TestLong converts the longest filters there are.
func TestLong(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for text, want := range map[string]string{
		strings.Repeat("ldh [12]\n", 4095) + "ret #1":     "accept",
		strings.Repeat("add #1\n", 4095) + "ret a":        "accept",
		strings.Repeat("ldh [x + 12]\n", 4095) + "ret #1": "the filter grows too long",
	} {
		program, _, err := classic.Assemble(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := verdict(t, program, options[convert.XDP], make([]byte, 60)); !strings.Contains(got, want) {
			t.Errorf("%.20q: got %s, want %s", text, got, want)
		}
	}
	if _, err := convert.Object(nil, options[convert.XDP]); err == nil {
		t.Error("an object of no filter")
	}
}
