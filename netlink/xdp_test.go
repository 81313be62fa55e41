package netlink

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/need"
)

// The bytes are those that ip 6.1 sends (strace -e write), after struct
// nlmsghdr; the ones with EXPECTED_FD, which ip cannot send, are from
// linux/if_link.h.
func TestXDPRequest(t *testing.T) {
	need.Of(t, need.LittleEndian)
	const head = "00000000" + "03000000" + "00000000" + "00000000"
	tests := []struct {
		name string
		xdp  XDP
		op   string
		want string
	}{
		{
			name: "ip link set dev va xdp obj x.o sec xdp",
			xdp:  XDP{FD: 7, NoReplace: true},
			op:   "attach xdp",
			want: "14002b00 08000100 07000000 08000300 01000000",
		},
		{
			name: "ip -force link set dev va xdp obj x.o sec xdp",
			xdp:  XDP{FD: 7},
			op:   "attach xdp",
			want: "0c002b00 08000100 07000000",
		},
		{
			name: "ip -force link set dev va xdpdrv obj x.o sec xdp",
			xdp:  XDP{FD: 7, Mode: XDPNative},
			op:   "attach xdp",
			want: "14002b00 08000100 07000000 08000300 04000000",
		},
		{
			name: "ip link set dev va xdpgeneric obj x.o sec xdp",
			xdp:  XDP{FD: 7, Mode: XDPGeneric, NoReplace: true},
			op:   "attach xdp",
			want: "14002b00 08000100 07000000 08000300 03000000",
		},
		{
			name: "ip -force link set dev va xdpoffload obj x.o sec xdp",
			xdp:  XDP{FD: 7, Mode: XDPOffload},
			op:   "attach xdp",
			want: "14002b00 08000100 07000000 08000300 08000000",
		},
		{
			name: "ip link set dev va xdpdrv off",
			xdp:  XDP{FD: -1, Mode: XDPNative, NoReplace: true},
			op:   "detach xdp",
			want: "14002b00 08000100 ffffffff 08000300 05000000",
		},
		{
			name: "compare and swap",
			xdp:  XDP{FD: 7, ExpectedFD: new(6)},
			op:   "attach xdp",
			want: "1c002b00 08000100 07000000 08000300 10000000 08000800 06000000",
		},
		{
			name: "compare with none",
			xdp:  XDP{FD: 7, Mode: XDPGeneric, ExpectedFD: new(-1)},
			op:   "attach xdp",
			want: "1c002b00 08000100 07000000 08000300 12000000 08000800 ffffffff",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := xdpRequest(3, tt.xdp)
			if r.err != nil {
				t.Fatal(r.err)
			}
			if diff := cmp.Diff(head+strings.ReplaceAll(tt.want, " ", ""), hex.EncodeToString(r.b)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if r.op != tt.op {
				t.Errorf("op %q, want %q", r.op, tt.op)
			}
		})
	}
}

func TestXDPRequestRefusesMulti(t *testing.T) {
	for _, m := range []XDPMode{XDPMulti, 9} {
		if r := xdpRequest(1, XDP{FD: 3, Mode: m}); r.err == nil {
			t.Errorf("mode %s: no error", m)
		}
	}
}

func TestXDPModeText(t *testing.T) {
	for _, x := range slices.Concat(xdpModes, xdpKeywords) {
		var m XDPMode
		if err := m.UnmarshalText([]byte(x.text)); err != nil || m != x.value {
			t.Errorf("%q: %v, %v, want %v", x.text, m, err, x.value)
		}
	}
	b, err := json.Marshal([]XDPMode{XDPNative, XDPMulti, 9})
	if err != nil || string(b) != `["native","multi","9"]` {
		t.Errorf("got %s, %v", b, err)
	}
	if got := XDPMode(9).Keyword(); got != "xdp[9]" {
		t.Errorf("keyword of an unknown mode: %q", got)
	}
	var m XDPMode
	if err := m.UnmarshalText([]byte("9")); err != nil || m != 9 {
		t.Errorf("got %v, %v", m, err)
	}
	err = m.UnmarshalText([]byte("fast"))
	if err == nil || !strings.Contains(err.Error(), `"fast"`) || !strings.Contains(err.Error(), "native") {
		t.Errorf("got %v, want an error that names the word and the choice", err)
	}
}

func TestDecodeLinkXDP(t *testing.T) {
	tests := []struct {
		name string
		hex  string
		want LinkXDP
	}{
		{"none", "05000200 00000000", LinkXDP{}},
		{
			"native", "05000200 01000000 08000400 07000000 08000500 07000000",
			LinkXDP{XDPNative, []XDPProgram{{XDPNative, 7}}},
		},
		{
			"without per-mode ids", "05000200 02000000 08000400 07000000",
			LinkXDP{XDPGeneric, []XDPProgram{{XDPGeneric, 7}}},
		},
		{
			"native and offload", "08000500 07000000 08000700 09000000 05000200 04000000",
			LinkXDP{XDPMulti, []XDPProgram{{XDPOffload, 9}, {XDPNative, 7}}},
		},
		{
			"unknown attribute and mode", "05000200 09000000 08000400 07000000 0800ff00 01000000",
			LinkXDP{9, []XDPProgram{{9, 7}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got LinkXDP
			if err := got.decode(newDecoder(unhex(t, tt.hex))); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	need.Of(t, need.LittleEndian)
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSetXDPKernel(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	pass, passID := program(t, ebpf.XDP, 2)
	drop, dropID := program(t, ebpf.XDP, 1)
	filter, _ := program(t, ebpf.SchedCLS, 0)

	steps := []struct {
		name    string
		ifindex int
		xdp     XDP
		is      error
		errno   syscall.Errno
		message string
		want    LinkXDP // of va, after the step
	}{
		{name: "detach from nothing", xdp: XDP{FD: -1}},
		{
			name: "attach", xdp: XDP{FD: pass, NoReplace: true},
			want: LinkXDP{XDPNative, []XDPProgram{{XDPNative, passID}}},
		},
		{
			name: "attach to the attached", xdp: XDP{FD: drop, NoReplace: true},
			is: os.ErrExist, errno: syscall.EBUSY, message: "XDP program already attached",
			want: LinkXDP{XDPNative, []XDPProgram{{XDPNative, passID}}},
		},
		{
			name: "generic beside native", xdp: XDP{FD: drop, Mode: XDPGeneric},
			is: os.ErrExist, errno: syscall.EEXIST, message: "Native and generic XDP can't be active at the same time",
			want: LinkXDP{XDPNative, []XDPProgram{{XDPNative, passID}}},
		},
		{
			name: "swap with a wrong expectation", xdp: XDP{FD: drop, ExpectedFD: &drop},
			is: os.ErrExist, errno: syscall.EEXIST, message: "Active program does not match expected",
			want: LinkXDP{XDPNative, []XDPProgram{{XDPNative, passID}}},
		},
		{
			name: "swap", xdp: XDP{FD: drop, ExpectedFD: &pass},
			want: LinkXDP{XDPNative, []XDPProgram{{XDPNative, dropID}}},
		},
		{
			name: "replace", xdp: XDP{FD: pass},
			want: LinkXDP{XDPNative, []XDPProgram{{XDPNative, passID}}},
		},
		{name: "detach", xdp: XDP{FD: -1, Mode: XDPNative}},
		{
			name: "generic", xdp: XDP{FD: drop, Mode: XDPGeneric, ExpectedFD: new(-1)},
			want: LinkXDP{XDPGeneric, []XDPProgram{{XDPGeneric, dropID}}},
		},
		{name: "detach generic", xdp: XDP{FD: -1, Mode: XDPGeneric}},
		{
			name: "native on lo", ifindex: 1, xdp: XDP{FD: pass, Mode: XDPNative},
			is: errors.ErrUnsupported, errno: syscall.EOPNOTSUPP,
			message: "Underlying driver does not support XDP in native mode",
		},
		{name: "a filter's program", xdp: XDP{FD: filter}, errno: syscall.EINVAL},
		{name: "no device", ifindex: 9999, xdp: XDP{FD: pass}, is: os.ErrNotExist, errno: syscall.ENODEV},
	}
	for _, s := range steps {
		ifindex := va.Index
		if s.ifindex != 0 {
			ifindex = s.ifindex
		}
		err := c.SetXDP(ifindex, s.xdp)
		checkError(t, s.name, err, s.is, s.errno, s.message)
		got := linkT(t, c, "va").XDP
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", s.name, diff)
		}
		compareWithIP(t, s.name, got)
	}
}

// checkError wants no error when errno is 0. message is how the kernel's
// sentence begins, or several ways that kernels have, separated by "|".
func checkError(t *testing.T, step string, err, is error, errno syscall.Errno, message string) {
	t.Helper()
	if errno == 0 {
		if err != nil {
			t.Errorf("%s: %v", step, err)
		}
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want an *Error", step, err)
		return
	}
	if e.Errno() != errno || is != nil && !errors.Is(err, is) {
		t.Errorf("%s: got %v, want errno %v and %v", step, err, errno, is)
	}
	for m := range strings.SplitSeq(message, "|") {
		if strings.HasPrefix(e.Message, m) && (m == "") == (e.Message == "") {
			return
		}
	}
	t.Errorf("%s: the kernel says %q, want %q", step, e.Message, message)
}

// compareWithIP asks ip(8) what is attached to va, in a test of its own.
func compareWithIP(t *testing.T, step string, x LinkXDP) {
	t.Helper()
	out, err := exec.Command("ip", "-j", "link", "show", "dev", "va").Output() // this thread is in the namespace
	t.Run(step+", says ip", func(t *testing.T) {
		need.Of(t, need.Command("ip"))
		if err != nil {
			t.Fatal(err)
		}
		compareXDP(t, out, x)
	})
}

// compareXDP compares what is attached to a device with what ip printed of it.
func compareXDP(t *testing.T, out []byte, x LinkXDP) {
	t.Helper()
	var links []struct {
		XDP struct {
			Attached []struct {
				Mode uint32
				Prog struct{ ID uint32 }
			}
		}
	}
	if err := json.Unmarshal(out, &links); err != nil {
		t.Fatal(err)
	}
	var got []XDPProgram
	for _, p := range links[0].XDP.Attached {
		got = append(got, XDPProgram{XDPMode(p.Mode), p.Prog.ID})
	}
	if diff := cmp.Diff(got, x.Programs); diff != "" {
		t.Errorf("-ip +ours:\n%s", diff)
	}
}
