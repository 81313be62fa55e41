package offload

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

func TestBind(t *testing.T) {
	for _, tt := range []struct {
		name    string
		program ebpf.ProgramSpec
		mapName string
		m       ebpf.MapType
		want    string // in the error, empty for none
	}{
		{name: "xdp", program: ebpf.ProgramSpec{Type: ebpf.XDP}, mapName: "a", m: ebpf.Array},
		{name: "tc", program: ebpf.ProgramSpec{Type: ebpf.SchedCLS}, mapName: "h", m: ebpf.Hash},
		{name: "events", program: ebpf.ProgramSpec{Type: ebpf.XDP}, mapName: "e", m: ebpf.PerfEventArray},
		{name: "action", program: ebpf.ProgramSpec{Type: ebpf.SchedACT}, mapName: "a", m: ebpf.Array, want: "not sched_act"},
		{name: "frags", program: ebpf.ProgramSpec{Type: ebpf.XDP, Flags: hasFrags}, mapName: "a", m: ebpf.Array, want: "several buffers"},
		{name: "ring", program: ebpf.ProgramSpec{Type: ebpf.XDP}, mapName: "r", m: ebpf.RingBuf, want: "map r: "},
		{name: "globals", program: ebpf.ProgramSpec{Type: ebpf.XDP}, mapName: ".data", m: ebpf.Array, want: "map .data: global variables"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.program
			p.Name = "p"
			err := Bind(&ebpf.CollectionSpec{
				Programs: map[string]*ebpf.ProgramSpec{"p": &p},
				Maps:     map[string]*ebpf.MapSpec{tt.mapName: {Type: tt.m}},
			}, 7)
			switch {
			case tt.want == "" && (err != nil || p.Ifindex != 7):
				t.Errorf("error %v, device %d", err, p.Ifindex)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || p.Ifindex != 0):
				t.Errorf("error %v, want %s; device %d", err, tt.want, p.Ifindex)
			}
		})
	}
}

// A device is here in one network namespace, by both numbers of its file.
func TestHere(t *testing.T) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		t.Fatal(err)
	}
	dev := uint64(st.Dev)
	for _, tt := range []struct {
		binding Binding
		want    bool
	}{
		{Binding{Ifindex: 1, NetNSDev: dev, NetNSInode: st.Ino}, true},
		{Binding{Ifindex: 1, NetNSDev: dev, NetNSInode: st.Ino + 1}, false},
		{Binding{Ifindex: 1, NetNSDev: dev + 1, NetNSInode: st.Ino}, false},
	} {
		if got := tt.binding.Here(); got != tt.want {
			t.Errorf("%+v is here: %v", tt.binding, got)
		}
	}
}

// What a register can be is known less where paths meet, and never more.
func TestJoin(t *testing.T) {
	stackAt := func(n ...int64) value { return value{kind: stack, numbers: n} }
	many := value{kind: scalar, numbers: []int64{1, 2, 3, 4, 5, 6, 7, 8}}
	for _, tt := range []struct {
		name       string
		a, b, want value
	}{
		{"the same", constant(1), constant(1), constant(1)},
		{"two constants", constant(2), constant(1), value{kind: scalar, numbers: []int64{1, 2}}},
		{"a constant and any", constant(2), value{kind: scalar}, value{kind: scalar}},
		{"too many", many, constant(9), value{kind: scalar, merged: true}},
		{"too many and one", value{kind: scalar, merged: true}, constant(1), value{kind: scalar, merged: true}},
		{"two places", stackAt(-4), stackAt(-8), stackAt(-8, -4)},
		{"a number and a place", constant(2), stackAt(-8), value{}},
		{"two maps", value{kind: mapValue, name: "a"}, value{kind: mapValue, name: "b"}, value{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.join(tt.b); !got.equal(tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if got := tt.b.join(tt.a); !got.equal(tt.want) {
				t.Errorf("the other way round: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAdd(t *testing.T) {
	place := value{kind: stack, numbers: []int64{-8}}
	for _, tt := range []struct {
		name string
		a, b value
		sign int64
		want value
	}{
		{"place and number", place, constant(4), 1, value{kind: stack, numbers: []int64{-4}}},
		{"number and place", constant(4), place, 1, value{kind: stack, numbers: []int64{-4}}},
		{"less", place, constant(4), -1, value{kind: stack, numbers: []int64{-12}}},
		{"any number", place, value{kind: scalar}, 1, value{kind: stack}},
		{"unknown", value{}, constant(4), 1, value{}},
		{"distance", place, place, -1, value{kind: scalar, wide: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.a.add(tt.b, tt.sign); !got.equal(tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
