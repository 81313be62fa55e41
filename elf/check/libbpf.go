package check

import "strings"

// libbpfSections are the section names that libbpf 1.1 knows (section_defs,
// tools/lib/bpf/libbpf.c). One that ends in "+" may have a slash and a target after it; any other
// is taken whole.
var libbpfSections = [...]string{
	"socket", "sk_reuseport/migrate", "sk_reuseport", "kprobe+", "uprobe+", "uprobe.s+", "kretprobe+",
	"uretprobe+", "uretprobe.s+", "kprobe.multi+", "kretprobe.multi+", "ksyscall+", "kretsyscall+", "usdt+", "tc",
	"classifier", "action", "tracepoint+", "tp+", "raw_tracepoint+", "raw_tp+", "raw_tracepoint.w+", "raw_tp.w+",
	"tp_btf+", "fentry+", "fmod_ret+", "fexit+", "fentry.s+", "fmod_ret.s+", "fexit.s+", "freplace+", "lsm+",
	"lsm.s+", "lsm_cgroup+", "iter+", "iter.s+", "syscall", "xdp.frags/devmap", "xdp/devmap", "xdp.frags/cpumap",
	"xdp/cpumap", "xdp.frags", "xdp", "perf_event", "lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local", "sockops",
	"sk_skb/stream_parser", "sk_skb/stream_verdict", "sk_skb", "sk_msg", "lirc_mode2", "flow_dissector",
	"cgroup_skb/ingress", "cgroup_skb/egress", "cgroup/skb", "cgroup/sock_create", "cgroup/sock_release",
	"cgroup/sock", "cgroup/post_bind4", "cgroup/post_bind6", "cgroup/bind4", "cgroup/bind6", "cgroup/connect4",
	"cgroup/connect6", "cgroup/sendmsg4", "cgroup/sendmsg6", "cgroup/recvmsg4", "cgroup/recvmsg6",
	"cgroup/getpeername4", "cgroup/getpeername6", "cgroup/getsockname4", "cgroup/getsockname6", "cgroup/sysctl",
	"cgroup/getsockopt", "cgroup/setsockopt", "cgroup/dev", "struct_ops+", "sk_lookup",
}

// libbpfKnows reports whether a section's name gives a program its type
// (sec_def_matches, in the same file).
func libbpfKnows(section string) bool {
	for _, known := range libbpfSections {
		base, target := strings.CutSuffix(known, "+")
		if section == base || target && strings.HasPrefix(section, base+"/") {
			return true
		}
	}
	return false
}
