// Package kernelname has the kernel's words for the types of maps, programs and links and for
// the places that programs attach to: the names in include/uapi/linux/bpf.h without what all of an
// enumeration begin with, in small letters, as bpftool has them. A newer kernel's value is a
// number. [Refusal] has its words for what it refuses, where those of a library are around them.
package kernelname

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
)

// Map is the word for a type of map, such as "percpu_hash".
func Map(t ebpf.MapType) string { return word(maps[:], uint32(t)) }

// Program is the word for a type of program, such as "sched_cls".
func Program(t ebpf.ProgramType) string { return word(programs[:], uint32(t)) }

// Attach is the word for what a program attaches to, such as "xdp_devmap".
func Attach(t ebpf.AttachType) string { return word(places[:], uint32(t)) }

// MapTypes are the words for the types of maps that can be made.
func MapTypes() []string { return slices.Clone(maps[1:]) }

// ParseMap reads the word for a type of map, or its number.
func ParseMap(word string) (ebpf.MapType, error) {
	if i := slices.Index(maps[:], word); i > 0 {
		return ebpf.MapType(i), nil
	}
	if n, err := strconv.ParseUint(word, 0, 32); err == nil && n > 0 {
		return ebpf.MapType(n), nil
	}
	return 0, fmt.Errorf("no type of map; the types are %s", strings.Join(maps[1:], ", "))
}

// MapFlags are the names of the flags that a map can be made with.
func MapFlags() (names []string) {
	for _, name := range mapFlags {
		names = append(names, "BPF_F_"+name)
	}
	return names
}

// ParseMapFlags reads flags of maps by their names with commas or bars between them, in
// either case, with or without BPF_F_, or as numbers.
func ParseMapFlags(words string) (flags uint32, err error) {
	for word := range strings.FieldsFuncSeq(words, func(r rune) bool { return r == ',' || r == '|' }) {
		name := strings.TrimPrefix(strings.ToUpper(word), "BPF_F_")
		if i := slices.Index(mapFlags[:], name); i >= 0 {
			flags |= 1 << i
			continue
		}
		n, err := strconv.ParseUint(word, 0, 32)
		if err != nil {
			return 0, fmt.Errorf("no flag of maps; the flags are %s", strings.Join(MapFlags(), ", "))
		}
		flags |= uint32(n)
	}
	return flags, nil
}

// Link is the word for a type of bpf_link (enum bpf_link_type), such as "tcx".
func Link(t uint32) string { return word(links[:], t) }

func word(names []string, n uint32) string {
	if n < uint32(len(names)) {
		return names[n]
	}
	return strconv.FormatUint(uint64(n), 10)
}

// enum bpf_map_type
var maps = [...]string{
	"unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array", "stack_trace", "cgroup_array",
	"lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap", "sockhash",
	"cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack", "sk_storage", "devmap_hash", "struct_ops",
	"ringbuf", "inode_storage", "task_storage", "bloom_filter", "user_ringbuf", "cgrp_storage", "arena", "insn_array",
	"rhash",
}

// The flags of BPF_MAP_CREATE, from bit 0 on, without BPF_F_.
var mapFlags = [...]string{
	"NO_PREALLOC", "NO_COMMON_LRU", "NUMA_NODE", "RDONLY", "WRONLY", "STACK_BUILD_ID", "ZERO_SEED", "RDONLY_PROG", "WRONLY_PROG",
	"CLONE", "MMAPABLE", "PRESERVE_ELEMS", "INNER_MAP", "LINK", "PATH_FD", "VTYPE_BTF_OBJ_FD", "TOKEN_FD", "SEGV_ON_FAULT",
	"NO_USER_CONV", "RB_OVERWRITE",
}

// enum bpf_prog_type
var programs = [...]string{
	"unspec", "socket_filter", "kprobe", "sched_cls", "sched_act", "tracepoint", "xdp", "perf_event", "cgroup_skb", "cgroup_sock",
	"lwt_in", "lwt_out", "lwt_xmit", "sock_ops", "sk_skb", "cgroup_device", "sk_msg", "raw_tracepoint", "cgroup_sock_addr",
	"lwt_seg6local", "lirc_mode2", "sk_reuseport", "flow_dissector", "cgroup_sysctl", "raw_tracepoint_writable", "cgroup_sockopt",
	"tracing", "struct_ops", "ext", "lsm", "sk_lookup", "syscall", "netfilter",
}

// enum bpf_attach_type
var places = [...]string{
	"cgroup_inet_ingress", "cgroup_inet_egress", "cgroup_inet_sock_create", "cgroup_sock_ops", "sk_skb_stream_parser",
	"sk_skb_stream_verdict", "cgroup_device", "sk_msg_verdict", "cgroup_inet4_bind", "cgroup_inet6_bind", "cgroup_inet4_connect",
	"cgroup_inet6_connect", "cgroup_inet4_post_bind", "cgroup_inet6_post_bind", "cgroup_udp4_sendmsg", "cgroup_udp6_sendmsg",
	"lirc_mode2", "flow_dissector", "cgroup_sysctl", "cgroup_udp4_recvmsg", "cgroup_udp6_recvmsg", "cgroup_getsockopt",
	"cgroup_setsockopt", "trace_raw_tp", "trace_fentry", "trace_fexit", "modify_return", "lsm_mac", "trace_iter",
	"cgroup_inet4_getpeername", "cgroup_inet6_getpeername", "cgroup_inet4_getsockname", "cgroup_inet6_getsockname", "xdp_devmap",
	"cgroup_inet_sock_release", "xdp_cpumap", "sk_lookup", "xdp", "sk_skb_verdict", "sk_reuseport_select",
	"sk_reuseport_select_or_migrate", "perf_event", "trace_kprobe_multi", "lsm_cgroup", "struct_ops", "netfilter", "tcx_ingress",
	"tcx_egress", "trace_uprobe_multi", "cgroup_unix_connect", "cgroup_unix_sendmsg", "cgroup_unix_recvmsg",
	"cgroup_unix_getpeername", "cgroup_unix_getsockname", "netkit_primary", "netkit_peer", "trace_kprobe_session",
	"trace_uprobe_session", "trace_fsession", "trace_fentry_multi", "trace_fexit_multi", "trace_fsession_multi",
}

// enum bpf_link_type
var links = [...]string{
	"unspec", "raw_tracepoint", "tracing", "cgroup", "iter", "netns", "xdp", "perf_event", "kprobe_multi", "struct_ops", "netfilter",
	"tcx", "uprobe_multi", "netkit", "sockmap", "tracing_multi",
}
