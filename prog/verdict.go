package prog

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/kernelname"
)

// Verdict is what a program returned.
type Verdict struct {
	Type  ebpf.ProgramType // of the program
	Value uint32           // the number in R0
}

// String is the verdict by its name in include/uapi/linux, such as "XDP_PASS";
// for a filter of sockets "DROP", or "KEEP" with the number of bytes; else a number.
func (v Verdict) String() string {
	if v.Type == ebpf.SocketFilter && v.Value != 0 {
		return "KEEP " + strconv.FormatUint(uint64(v.Value), 10)
	}
	for _, known := range verdictNames(v.Type) {
		if known.value == int32(v.Value) {
			return known.name
		}
	}
	return strconv.FormatInt(int64(int32(v.Value)), 10)
}

// Passes reports whether the packet goes on: the verdict is none of those that
// end it here. What is redirected or sent back goes on.
func (v Verdict) Passes() bool {
	switch v.Type {
	case ebpf.XDP:
		return v.Value >= 2 && v.Value <= 4
	case ebpf.SocketFilter:
		return v.Value != 0
	case ebpf.CGroupSKB:
		return v.Value&1 != 0
	case ebpf.SchedCLS, ebpf.SchedACT:
		return v.Value != 2 && v.Value != 4 && v.Value != 5 && v.Value != 8
	default:
		return v.Value != 2 // BPF_DROP
	}
}

// Is reports whether the verdict has the name: all of it or what follows its
// prefix, in any case, or a number. A filter of sockets that keeps
// anything is "keep".
func (v Verdict) Is(name string) bool {
	upper := strings.ToUpper(strings.TrimSpace(name))
	have := v.String()
	if n, ok := verdictNumber(name); ok {
		return n == v.Value
	}
	if upper == "KEEP" && v.Type == ebpf.SocketFilter {
		return v.Value != 0
	}
	return upper == have || "XDP_"+upper == have || "TC_ACT_"+upper == have || "BPF_"+upper == have
}

// CheckVerdict returns an error unless programs of the type have a verdict
// with that name.
func CheckVerdict(t ebpf.ProgramType, name string) error {
	if _, ok := verdictNumber(name); ok {
		return nil
	}
	if keep, n, some := strings.Cut(strings.ToUpper(strings.TrimSpace(name)), " "); t == ebpf.SocketFilter && keep == "KEEP" {
		if _, err := strconv.ParseUint(n, 10, 32); err == nil || !some {
			return nil
		}
	}
	var names []string
	for _, known := range verdictNames(t) {
		if (Verdict{t, uint32(known.value)}).Is(name) {
			return nil
		}
		names = append(names, known.name)
	}
	return fmt.Errorf("%q is not a verdict of programs of type %s, which have %s", name, kernelname.Program(t), strings.Join(append(names, "numbers"), ", "))
}

// verdictNumber reads a number of 32 bits, with or without a sign.
func verdictNumber(name string) (uint32, bool) {
	n, err := strconv.ParseInt(name, 0, 64)
	return uint32(n), err == nil && n >= math.MinInt32 && n <= math.MaxUint32
}

type namedVerdict struct {
	name  string
	value int32
}

// verdictNames are enum xdp_action and bpf_ret_code of linux/bpf.h, and the
// TC_ACT_ numbers of linux/pkt_cls.h, which tcx and netkit have too.
func verdictNames(t ebpf.ProgramType) []namedVerdict {
	switch t {
	case ebpf.XDP:
		return []namedVerdict{{"XDP_ABORTED", 0}, {"XDP_DROP", 1}, {"XDP_PASS", 2}, {"XDP_TX", 3}, {"XDP_REDIRECT", 4}}
	case ebpf.SchedCLS, ebpf.SchedACT:
		return []namedVerdict{
			{"TC_ACT_UNSPEC", -1},
			{"TC_ACT_OK", 0},
			{"TC_ACT_RECLASSIFY", 1},
			{"TC_ACT_SHOT", 2},
			{"TC_ACT_PIPE", 3},
			{"TC_ACT_STOLEN", 4},
			{"TC_ACT_QUEUED", 5},
			{"TC_ACT_REPEAT", 6},
			{"TC_ACT_REDIRECT", 7},
			{"TC_ACT_TRAP", 8},
		}
	case ebpf.SocketFilter:
		return []namedVerdict{{"DROP", 0}}
	case ebpf.CGroupSKB:
		return []namedVerdict{{"DROP", 0}, {"PASS", 1}}
	case ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit, ebpf.LWTSeg6Local:
		return []namedVerdict{{"BPF_OK", 0}, {"BPF_DROP", 2}, {"BPF_REDIRECT", 7}, {"BPF_LWT_REROUTE", 128}}
	default:
		return nil
	}
}
