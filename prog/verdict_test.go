package prog_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/prog"
)

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		typ    ebpf.ProgramType
		value  uint32
		name   string
		passes bool
		is     []string
		not    []string
	}{
		{ebpf.XDP, 2, "XDP_PASS", true, []string{"XDP_PASS", "pass", "2", "0x2"}, []string{"drop", "1", ""}},
		{ebpf.XDP, 1, "XDP_DROP", false, []string{"drop"}, []string{"XDP"}},
		{ebpf.XDP, 77, "77", false, []string{"77"}, []string{"pass"}},
		{ebpf.SchedCLS, 1<<32 - 1, "TC_ACT_UNSPEC", true, []string{"unspec", "-1"}, []string{"ok"}},
		{ebpf.SchedACT, 2, "TC_ACT_SHOT", false, []string{"tc_act_shot", "SHOT"}, []string{"ok"}},
		{ebpf.SocketFilter, 64, "KEEP 64", true, []string{"keep", "keep 64", "64"}, []string{"drop", "keep 63"}},
		{ebpf.SocketFilter, 0, "DROP", false, []string{"drop", "0"}, []string{"keep"}},
		{ebpf.CGroupSKB, 1, "PASS", true, []string{"pass"}, []string{"drop"}},
		{ebpf.LWTXmit, 2, "BPF_DROP", false, []string{"drop"}, []string{"ok"}},
		{ebpf.FlowDissector, 5, "5", true, []string{"5"}, []string{"ok"}},
	} {
		v := prog.Verdict{Type: tt.typ, Value: tt.value}
		if v.String() != tt.name || v.Passes() != tt.passes {
			t.Errorf("%v %d is %s, passes %v; want %s, %v", tt.typ, tt.value, v, v.Passes(), tt.name, tt.passes)
		}
		got := map[string]bool{}
		want := map[string]bool{}
		for _, name := range tt.is {
			want[name] = true
		}
		for _, name := range append(tt.not, tt.is...) {
			if v.Is(name) {
				got[name] = true
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s is %v, want %v", v, got, want)
		}
	}
	if err := prog.CheckVerdict(ebpf.XDP, "shot"); err == nil || !strings.Contains(err.Error(), "XDP_TX") {
		t.Errorf("an XDP program that returns shot: %v", err)
	}
	for _, name := range []string{"pass", "XDP_TX", "17", "-1", "0xffffffff"} {
		if err := prog.CheckVerdict(ebpf.XDP, name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"keep", "Keep 20", "drop", "0"} {
		if err := prog.CheckVerdict(ebpf.SocketFilter, name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"4294967296", "-2147483649", "keep some", "keep 4294967296"} {
		if err := prog.CheckVerdict(ebpf.SocketFilter, name); err == nil {
			t.Errorf("no socket filter returns %s", name)
		}
	}
}
