package naming

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
)

// Program flags, include/uapi/linux/bpf.h.
const (
	bpfFSleepable   = 1 << 4
	bpfFXDPHasFrags = 1 << 5
)

// Members of enum bpf_attach_type, include/uapi/linux/bpf.h, that cilium/ebpf does not know.
const (
	AttachTraceUprobeSession ebpf.AttachType = 57
	AttachTraceFSession      ebpf.AttachType = 58
	AttachTraceFEntryMulti   ebpf.AttachType = 59
	AttachTraceFExitMulti    ebpf.AttachType = 60
	AttachTraceFSessionMulti ebpf.AttachType = 61
)

// Kind is what the name of a program's section says about it.
type Kind struct {
	Type   ebpf.ProgramType
	Attach ebpf.AttachType
	Flags  uint32
	Target string // what follows the slash in "fentry/tcp_connect"
	Guess  bool   // the name only begins like one that says so: "tcp" like "tc"
}

// sectionPattern is one row of the names that libbpf documents
// (docs.kernel.org/bpf/libbpf/program_types.html). A pattern that ends in "+"
// takes a target after a slash; every other one is a prefix.
type sectionPattern struct {
	pattern string
	typ     ebpf.ProgramType
	attach  ebpf.AttachType
	flags   uint32
}

// The first match wins, so a longer name stands before its prefix.
var sectionPatterns = [...]sectionPattern{
	{"xdp.frags/devmap", ebpf.XDP, ebpf.AttachXDPDevMap, bpfFXDPHasFrags},
	{"xdp/devmap", ebpf.XDP, ebpf.AttachXDPDevMap, 0},
	{"xdp.frags/cpumap", ebpf.XDP, ebpf.AttachXDPCPUMap, bpfFXDPHasFrags},
	{"xdp/cpumap", ebpf.XDP, ebpf.AttachXDPCPUMap, 0},
	{"xdp.frags", ebpf.XDP, ebpf.AttachXDP, bpfFXDPHasFrags},
	{"xdp", ebpf.XDP, ebpf.AttachXDP, 0},
	{"tc/ingress", ebpf.SchedCLS, ebpf.AttachTCXIngress, 0},
	{"tc/egress", ebpf.SchedCLS, ebpf.AttachTCXEgress, 0},
	{"tcx/ingress", ebpf.SchedCLS, ebpf.AttachTCXIngress, 0},
	{"tcx/egress", ebpf.SchedCLS, ebpf.AttachTCXEgress, 0},
	{"tc", ebpf.SchedCLS, ebpf.AttachNone, 0},
	{"classifier", ebpf.SchedCLS, ebpf.AttachNone, 0},
	{"action", ebpf.SchedACT, ebpf.AttachNone, 0},
	{"netkit/primary", ebpf.SchedCLS, ebpf.AttachNetkitPrimary, 0},
	{"netkit/peer", ebpf.SchedCLS, ebpf.AttachNetkitPeer, 0},
	{"lwt_in", ebpf.LWTIn, ebpf.AttachNone, 0},
	{"lwt_out", ebpf.LWTOut, ebpf.AttachNone, 0},
	{"lwt_xmit", ebpf.LWTXmit, ebpf.AttachNone, 0},
	{"lwt_seg6local", ebpf.LWTSeg6Local, ebpf.AttachNone, 0},
	{"socket", ebpf.SocketFilter, ebpf.AttachNone, 0},
	{"sk_reuseport/migrate", ebpf.SkReuseport, ebpf.AttachSkReuseportSelectOrMigrate, 0},
	{"sk_reuseport", ebpf.SkReuseport, ebpf.AttachSkReuseportSelect, 0},
	{"kprobe+", ebpf.Kprobe, ebpf.AttachNone, 0},
	{"uprobe+", ebpf.Kprobe, ebpf.AttachNone, 0},
	{"uprobe.s+", ebpf.Kprobe, ebpf.AttachNone, bpfFSleepable},
	{"kretprobe+", ebpf.Kprobe, ebpf.AttachNone, 0},
	{"uretprobe+", ebpf.Kprobe, ebpf.AttachNone, 0},
	{"uretprobe.s+", ebpf.Kprobe, ebpf.AttachNone, bpfFSleepable},
	{"kprobe.multi+", ebpf.Kprobe, ebpf.AttachTraceKprobeMulti, 0},
	{"kretprobe.multi+", ebpf.Kprobe, ebpf.AttachTraceKprobeMulti, 0},
	{"kprobe.session+", ebpf.Kprobe, ebpf.AttachTraceKprobeSession, 0},
	{"uprobe.multi+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, 0},
	{"uretprobe.multi+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, 0},
	{"uprobe.session+", ebpf.Kprobe, AttachTraceUprobeSession, 0},
	{"uprobe.multi.s+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, bpfFSleepable},
	{"uretprobe.multi.s+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, bpfFSleepable},
	{"uprobe.session.s+", ebpf.Kprobe, AttachTraceUprobeSession, bpfFSleepable},
	{"ksyscall+", ebpf.Kprobe, ebpf.AttachNone, 0},
	{"kretsyscall+", ebpf.Kprobe, ebpf.AttachNone, 0},
	{"usdt+", ebpf.Kprobe, ebpf.AttachNone, 0},
	{"usdt.s+", ebpf.Kprobe, ebpf.AttachNone, bpfFSleepable},
	{"tracepoint+", ebpf.TracePoint, ebpf.AttachNone, 0},
	{"tp+", ebpf.TracePoint, ebpf.AttachNone, 0},
	{"tracepoint.s+", ebpf.TracePoint, ebpf.AttachNone, bpfFSleepable},
	{"tp.s+", ebpf.TracePoint, ebpf.AttachNone, bpfFSleepable},
	{"raw_tracepoint+", ebpf.RawTracepoint, ebpf.AttachNone, 0},
	{"raw_tp+", ebpf.RawTracepoint, ebpf.AttachNone, 0},
	{"raw_tracepoint.s+", ebpf.RawTracepoint, ebpf.AttachNone, bpfFSleepable},
	{"raw_tp.s+", ebpf.RawTracepoint, ebpf.AttachNone, bpfFSleepable},
	{"raw_tracepoint.w+", ebpf.RawTracepointWritable, ebpf.AttachNone, 0},
	{"raw_tp.w+", ebpf.RawTracepointWritable, ebpf.AttachNone, 0},
	{"tp_btf+", ebpf.Tracing, ebpf.AttachTraceRawTp, 0},
	{"tp_btf.s+", ebpf.Tracing, ebpf.AttachTraceRawTp, bpfFSleepable},
	{"fentry+", ebpf.Tracing, ebpf.AttachTraceFEntry, 0},
	{"fmod_ret+", ebpf.Tracing, ebpf.AttachModifyReturn, 0},
	{"fexit+", ebpf.Tracing, ebpf.AttachTraceFExit, 0},
	{"fentry.s+", ebpf.Tracing, ebpf.AttachTraceFEntry, bpfFSleepable},
	{"fmod_ret.s+", ebpf.Tracing, ebpf.AttachModifyReturn, bpfFSleepable},
	{"fexit.s+", ebpf.Tracing, ebpf.AttachTraceFExit, bpfFSleepable},
	{"fsession+", ebpf.Tracing, AttachTraceFSession, 0},
	{"fsession.s+", ebpf.Tracing, AttachTraceFSession, bpfFSleepable},
	{"fentry.multi+", ebpf.Tracing, AttachTraceFEntryMulti, 0},
	{"fentry.multi.s+", ebpf.Tracing, AttachTraceFEntryMulti, bpfFSleepable},
	{"fexit.multi+", ebpf.Tracing, AttachTraceFExitMulti, 0},
	{"fexit.multi.s+", ebpf.Tracing, AttachTraceFExitMulti, bpfFSleepable},
	{"fsession.multi+", ebpf.Tracing, AttachTraceFSessionMulti, 0},
	{"fsession.multi.s+", ebpf.Tracing, AttachTraceFSessionMulti, bpfFSleepable},
	{"freplace+", ebpf.Extension, ebpf.AttachNone, 0},
	{"lsm+", ebpf.LSM, ebpf.AttachLSMMac, 0},
	{"lsm.s+", ebpf.LSM, ebpf.AttachLSMMac, bpfFSleepable},
	{"lsm_cgroup+", ebpf.LSM, ebpf.AttachLSMCgroup, 0},
	{"iter+", ebpf.Tracing, ebpf.AttachTraceIter, 0},
	{"iter.s+", ebpf.Tracing, ebpf.AttachTraceIter, bpfFSleepable},
	{"syscall", ebpf.Syscall, ebpf.AttachNone, bpfFSleepable},
	{"perf_event", ebpf.PerfEvent, ebpf.AttachNone, 0},
	{"sockops", ebpf.SockOps, ebpf.AttachCGroupSockOps, 0},
	{"sk_skb/stream_parser", ebpf.SkSKB, ebpf.AttachSkSKBStreamParser, 0},
	{"sk_skb/stream_verdict", ebpf.SkSKB, ebpf.AttachSkSKBStreamVerdict, 0},
	{"sk_skb/verdict", ebpf.SkSKB, ebpf.AttachSkSKBVerdict, 0},
	{"sk_skb", ebpf.SkSKB, ebpf.AttachNone, 0},
	{"sk_msg", ebpf.SkMsg, ebpf.AttachSkMsgVerdict, 0},
	{"sk_lookup", ebpf.SkLookup, ebpf.AttachSkLookup, 0},
	{"lirc_mode2", ebpf.LircMode2, ebpf.AttachLircMode2, 0},
	{"flow_dissector", ebpf.FlowDissector, ebpf.AttachFlowDissector, 0},
	{"netfilter", ebpf.Netfilter, ebpf.AttachNetfilter, 0},
	{"struct_ops+", ebpf.StructOps, ebpf.AttachNone, 0},
	{"struct_ops.s+", ebpf.StructOps, ebpf.AttachNone, bpfFSleepable},
	{"cgroup_skb/ingress", ebpf.CGroupSKB, ebpf.AttachCGroupInetIngress, 0},
	{"cgroup_skb/egress", ebpf.CGroupSKB, ebpf.AttachCGroupInetEgress, 0},
	{"cgroup/skb", ebpf.CGroupSKB, ebpf.AttachNone, 0},
	{"cgroup/sock_create", ebpf.CGroupSock, ebpf.AttachCGroupInetSockCreate, 0},
	{"cgroup/sock_release", ebpf.CGroupSock, ebpf.AttachCgroupInetSockRelease, 0},
	{"cgroup/sock", ebpf.CGroupSock, ebpf.AttachCGroupInetSockCreate, 0},
	{"cgroup/post_bind4", ebpf.CGroupSock, ebpf.AttachCGroupInet4PostBind, 0},
	{"cgroup/post_bind6", ebpf.CGroupSock, ebpf.AttachCGroupInet6PostBind, 0},
	{"cgroup/bind4", ebpf.CGroupSockAddr, ebpf.AttachCGroupInet4Bind, 0},
	{"cgroup/bind6", ebpf.CGroupSockAddr, ebpf.AttachCGroupInet6Bind, 0},
	{"cgroup/connect4", ebpf.CGroupSockAddr, ebpf.AttachCGroupInet4Connect, 0},
	{"cgroup/connect6", ebpf.CGroupSockAddr, ebpf.AttachCGroupInet6Connect, 0},
	{"cgroup/connect_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixConnect, 0},
	{"cgroup/sendmsg4", ebpf.CGroupSockAddr, ebpf.AttachCGroupUDP4Sendmsg, 0},
	{"cgroup/sendmsg6", ebpf.CGroupSockAddr, ebpf.AttachCGroupUDP6Sendmsg, 0},
	{"cgroup/sendmsg_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixSendmsg, 0},
	{"cgroup/recvmsg4", ebpf.CGroupSockAddr, ebpf.AttachCGroupUDP4Recvmsg, 0},
	{"cgroup/recvmsg6", ebpf.CGroupSockAddr, ebpf.AttachCGroupUDP6Recvmsg, 0},
	{"cgroup/recvmsg_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixRecvmsg, 0},
	{"cgroup/getpeername4", ebpf.CGroupSockAddr, ebpf.AttachCgroupInet4GetPeername, 0},
	{"cgroup/getpeername6", ebpf.CGroupSockAddr, ebpf.AttachCgroupInet6GetPeername, 0},
	{"cgroup/getpeername_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixGetpeername, 0},
	{"cgroup/getsockname4", ebpf.CGroupSockAddr, ebpf.AttachCgroupInet4GetSockname, 0},
	{"cgroup/getsockname6", ebpf.CGroupSockAddr, ebpf.AttachCgroupInet6GetSockname, 0},
	{"cgroup/getsockname_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixGetsockname, 0},
	{"cgroup/sysctl", ebpf.CGroupSysctl, ebpf.AttachCGroupSysctl, 0},
	{"cgroup/getsockopt", ebpf.CGroupSockopt, ebpf.AttachCGroupGetsockopt, 0},
	{"cgroup/setsockopt", ebpf.CGroupSockopt, ebpf.AttachCGroupSetsockopt, 0},
	{"cgroup/dev", ebpf.CGroupDevice, ebpf.AttachCGroupDevice, 0},
}

// KindOf returns what the section's name says. The zero value is a name that
// means nothing, such as "prog": the hook decides.
func KindOf(section string) Kind {
	name := strings.TrimPrefix(section, "?")
	p, target := patternOf(name)
	if p == nil {
		return Kind{}
	}
	rest := strings.TrimPrefix(name, strings.TrimSuffix(p.pattern, "+"))
	return Kind{p.typ, p.attach, p.flags, target, rest != "" && 'a' <= rest[0] && rest[0] <= 'z'}
}

// patternOf returns the row for a section's name, nil for none, and the target in the name.
func patternOf(section string) (p *sectionPattern, target string) {
	for i := range sectionPatterns {
		p := &sectionPatterns[i]
		base, takesTarget := strings.CutSuffix(p.pattern, "+")
		if !takesTarget {
			if strings.HasPrefix(section, base) {
				return p, ""
			}
			continue
		}
		if name, target, _ := strings.Cut(section, "/"); name == base {
			return p, target
		}
	}
	return nil, ""
}

// Libbpf returns the name that libbpf knows for what a section's name
// says: "xdp" for "xdp/drop". A name that says nothing stays.
func Libbpf(name string) string {
	plain := strings.TrimPrefix(name, "?")
	p, _ := patternOf(plain)
	if p == nil || strings.HasSuffix(p.pattern, "+") {
		return name
	}
	return name[:len(name)-len(plain)] + p.pattern
}

// Tail reads the name of an "ID/KEY" section: "2/7" and "0xabccba/0".
func Tail(section string) (id, key uint32, ok bool) {
	left, right, found := strings.Cut(section, "/")
	if !found || left == "" || left[0] < '0' || left[0] > '9' {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(left, 0, 32)
	k, err2 := strconv.ParseUint(right, 0, 32)
	return uint32(n), uint32(k), err == nil && err2 == nil
}
