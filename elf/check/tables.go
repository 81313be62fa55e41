package check

import (
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/internal/naming"
)

// helperAges has each release that added helpers at the number of its last one.
var helperAges = [...]Kernel{
	3: {3, 19}, 11: {4, 1}, 16: {4, 2}, 22: {4, 3}, 25: {4, 4}, 26: {4, 5}, 30: {4, 6}, 36: {4, 8}, 41: {4, 9},
	44: {4, 10}, 45: {4, 11}, 47: {4, 12}, 50: {4, 13}, 53: {4, 14}, 57: {4, 15}, 59: {4, 16}, 64: {4, 17},
	80: {4, 18}, 83: {4, 19}, 90: {4, 20}, 92: {5, 0}, 98: {5, 1}, 108: {5, 2}, 110: {5, 3}, 115: {5, 5},
	118: {5, 6}, 124: {5, 7}, 135: {5, 8}, 141: {5, 9}, 155: {5, 10}, 162: {5, 11}, 163: {5, 12}, 165: {5, 13},
	168: {5, 14}, 175: {5, 15}, 179: {5, 16}, 185: {5, 17}, 193: {5, 18}, 203: {5, 19}, 207: {6, 0}, 209: {6, 1},
	211: {6, 2},
}

// Helper returns the first kernel that has the helper, by its number in
// include/uapi/linux/bpf.h; ok is false for a number that is not known.
func Helper(number int32) (k Kernel, ok bool) {
	if number <= 0 || int(number) >= len(helperAges) {
		return Kernel{}, false
	}
	ages := helperAges[number:]
	return ages[slices.IndexFunc(ages, func(k Kernel) bool { return k != Kernel{} })], true
}

// gplHelpers are the helpers whose struct bpf_func_proto has gpl_only set, by number.
var gplHelpers = [...]int32{
	4, 6, 22, 25, 27, 35, 36, 45, 55, 56, 58, 67, 69, 77, 78, 92, 100, 110, 111, 112, 113, 114, 115, 116, 119, 121,
	126, 127, 150, 158, 163, 165, 169, 170, 171, 172, 173, 175, 176, 177, 191,
	204, 205, 206, 207,
}

// gplUntil are helpers that needed a GPL-compatible licence up to a release.
var gplUntil = [...]struct {
	helper int32
	kernel Kernel
}{
	{5, Kernel{5, 8}}, // bpf_ktime_get_ns
}

// NeedsGPL reports whether a program with another licence cannot call the
// helper, on Linux 6.1 and the releases around it.
func NeedsGPL(helper int32) bool {
	_, found := slices.BinarySearch(gplHelpers[:], helper)
	return found
}

// programTypes has the first kernel of each type of program, by its number: enum
// bpf_prog_type, include/uapi/linux/bpf.h.
var programTypes = [...]Kernel{
	1: {3, 19}, 2: {4, 1}, 3: {4, 1}, 4: {4, 1}, 5: {4, 7}, 6: {4, 8}, 7: {4, 9}, 8: {4, 10}, 9: {4, 10},
	10: {4, 10}, 11: {4, 10}, 12: {4, 10}, 13: {4, 13}, 14: {4, 14}, 15: {4, 15}, 16: {4, 17}, 17: {4, 17},
	18: {4, 17}, 19: {4, 18}, 20: {4, 18}, 21: {4, 19}, 22: {4, 20}, 23: {5, 2}, 24: {5, 2}, 25: {5, 3}, 26: {5, 5},
	27: {5, 6}, 28: {5, 6}, 29: {5, 7}, 30: {5, 9}, 31: {5, 14}, 32: {6, 4},
}

// attachTypes are the places to attach to that are younger than their type of program.
var attachTypes = [...]struct {
	kernel Kernel
	types  []ebpf.AttachType
}{
	{Kernel{4, 17}, []ebpf.AttachType{ebpf.AttachCGroupInet4PostBind, ebpf.AttachCGroupInet6PostBind}},
	{Kernel{4, 18}, []ebpf.AttachType{ebpf.AttachCGroupUDP4Sendmsg, ebpf.AttachCGroupUDP6Sendmsg}},
	{Kernel{5, 2}, []ebpf.AttachType{ebpf.AttachCGroupUDP4Recvmsg, ebpf.AttachCGroupUDP6Recvmsg}},
	{Kernel{5, 7}, []ebpf.AttachType{ebpf.AttachModifyReturn}},
	{Kernel{5, 8}, []ebpf.AttachType{
		ebpf.AttachTraceIter, ebpf.AttachXDPDevMap, ebpf.AttachCgroupInet4GetPeername,
		ebpf.AttachCgroupInet6GetPeername, ebpf.AttachCgroupInet4GetSockname, ebpf.AttachCgroupInet6GetSockname,
	}},
	{Kernel{5, 9}, []ebpf.AttachType{ebpf.AttachXDPCPUMap, ebpf.AttachCgroupInetSockRelease}},
	{Kernel{5, 13}, []ebpf.AttachType{ebpf.AttachSkSKBVerdict}},
	{Kernel{5, 14}, []ebpf.AttachType{ebpf.AttachSkReuseportSelectOrMigrate}},
	{Kernel{5, 18}, []ebpf.AttachType{ebpf.AttachTraceKprobeMulti}},
	{Kernel{6, 0}, []ebpf.AttachType{ebpf.AttachLSMCgroup}},
	{Kernel{6, 6}, []ebpf.AttachType{ebpf.AttachTCXIngress, ebpf.AttachTCXEgress, ebpf.AttachTraceUprobeMulti}},
	{Kernel{6, 7}, []ebpf.AttachType{
		ebpf.AttachNetkitPrimary, ebpf.AttachNetkitPeer, ebpf.AttachCgroupUnixConnect, ebpf.AttachCgroupUnixSendmsg,
		ebpf.AttachCgroupUnixRecvmsg, ebpf.AttachCgroupUnixGetpeername, ebpf.AttachCgroupUnixGetsockname,
	}},
	{Kernel{6, 10}, []ebpf.AttachType{ebpf.AttachTraceKprobeSession}},
	{Kernel{6, 13}, []ebpf.AttachType{naming.AttachTraceUprobeSession}},
	{Kernel{7, 0}, []ebpf.AttachType{naming.AttachTraceFSession}},
	{Kernel{7, 2}, []ebpf.AttachType{naming.AttachTraceFEntryMulti, naming.AttachTraceFExitMulti, naming.AttachTraceFSessionMulti}}, // or a little earlier
}

// mapTypes has the first kernel of each type of map, by its number: enum
// bpf_map_type, include/uapi/linux/bpf.h.
var mapTypes = [...]Kernel{
	1: {3, 19}, 2: {3, 19}, 3: {4, 2}, 4: {4, 3}, 5: {4, 6}, 6: {4, 6}, 7: {4, 6}, 8: {4, 8}, 9: {4, 10}, 10: {4, 10},
	11: {4, 11}, 12: {4, 12}, 13: {4, 12}, 14: {4, 14}, 15: {4, 14}, 16: {4, 15}, 17: {4, 18}, 18: {4, 18}, 19: {4, 19},
	20: {4, 19}, 21: {4, 20}, 22: {4, 20}, 23: {4, 20}, 24: {5, 2}, 25: {5, 4}, 26: {5, 6}, 27: {5, 8}, 28: {5, 10},
	29: {5, 11}, 30: {5, 16}, 31: {6, 1}, 32: {6, 2}, 33: {6, 9}, 34: {6, 19},
	35: {7, 2}, // or a little earlier
}

// mapFlags has the first kernel of each flag of a map, by its bit: BPF_F_NO_PREALLOC
// and those after it, include/uapi/linux/bpf.h.
var mapFlags = [...]struct {
	name   string
	kernel Kernel
}{
	{"BPF_F_NO_PREALLOC", Kernel{4, 6}},
	{"BPF_F_NO_COMMON_LRU", Kernel{4, 10}},
	{"BPF_F_NUMA_NODE", Kernel{4, 14}},
	{"BPF_F_RDONLY", Kernel{4, 15}},
	{"BPF_F_WRONLY", Kernel{4, 15}},
	{"BPF_F_STACK_BUILD_ID", Kernel{4, 17}},
	{"BPF_F_ZERO_SEED", Kernel{5, 0}},
	{"BPF_F_RDONLY_PROG", Kernel{5, 2}},
	{"BPF_F_WRONLY_PROG", Kernel{5, 2}},
	{"BPF_F_CLONE", Kernel{5, 4}},
	{"BPF_F_MMAPABLE", Kernel{5, 5}},
	{"BPF_F_PRESERVE_ELEMS", Kernel{5, 10}},
	{"BPF_F_INNER_MAP", Kernel{5, 10}},
	{"BPF_F_LINK", Kernel{6, 4}},
	{"BPF_F_PATH_FD", Kernel{6, 7}},
	{"BPF_F_VTYPE_BTF_OBJ_FD", Kernel{6, 9}},
	{"BPF_F_TOKEN_FD", Kernel{6, 9}},
	{"BPF_F_SEGV_ON_FAULT", Kernel{6, 9}},
	{"BPF_F_NO_USER_CONV", Kernel{6, 9}},
	{"BPF_F_RB_OVERWRITE", Kernel{6, 19}},
}

// namedAges are things of the kernel, by the release that has them first.
type namedAges []struct {
	kernel Kernel
	names  []string
}

// of returns the first kernel that has the thing with the name.
func (a namedAges) of(name string) (k Kernel, known bool) {
	for _, age := range a {
		if slices.Contains(age.names, name) {
			return age.kernel, true
		}
	}
	return Kernel{}, false
}

// valueTypes are structures that the kernel looks for in the values of maps.
var valueTypes = namedAges{
	{Kernel{5, 1}, []string{"bpf_spin_lock"}},
	{Kernel{5, 15}, []string{"bpf_timer"}},
	{Kernel{6, 2}, []string{"bpf_list_head", "bpf_list_node"}},
	{Kernel{6, 3}, []string{"bpf_rb_root", "bpf_rb_node"}},
	{Kernel{6, 4}, []string{"bpf_refcount"}},
	{Kernel{6, 10}, []string{"bpf_wq"}},
	{Kernel{6, 15}, []string{"bpf_res_spin_lock"}},
}

// kernelFunctions are kernel functions that network programs call, by the
// release whose net/, kernel/bpf or fs/ registers each (register_btf_kfunc_id_set) first.
var kernelFunctions = namedAges{
	{Kernel{5, 13}, []string{
		"tcp_cong_avoid_ai", "tcp_reno_cong_avoid", "tcp_reno_ssthresh", "tcp_reno_undo_cwnd", "tcp_slow_start",
	}},
	{Kernel{5, 18}, []string{"bpf_ct_release", "bpf_skb_ct_lookup", "bpf_xdp_ct_lookup"}},
	{Kernel{6, 0}, []string{
		"bpf_ct_change_status", "bpf_ct_change_timeout", "bpf_ct_insert_entry", "bpf_ct_set_status",
		"bpf_ct_set_timeout", "bpf_skb_ct_alloc", "bpf_xdp_ct_alloc",
	}},
	{Kernel{6, 1}, []string{
		"bpf_ct_set_nat_info", "bpf_key_put", "bpf_lookup_system_key", "bpf_lookup_user_key",
		"bpf_verify_pkcs7_signature",
	}},
	{Kernel{6, 2}, []string{
		"bpf_cast_to_kern_ctx", "bpf_cgroup_acquire", "bpf_cgroup_release", "bpf_list_pop_back", "bpf_list_pop_front",
		"bpf_obj_drop_impl", "bpf_obj_new_impl", "bpf_rcu_read_lock", "bpf_rcu_read_unlock", "bpf_rdonly_cast",
		"bpf_skb_get_xfrm_info", "bpf_skb_set_xfrm_info", "bpf_task_acquire", "bpf_task_from_pid", "bpf_task_release",
	}},
	{Kernel{6, 3}, []string{
		"bpf_cpumask_acquire", "bpf_cpumask_create", "bpf_cpumask_release", "bpf_rbtree_first", "bpf_rbtree_remove",
		"bpf_xdp_metadata_rx_hash", "bpf_xdp_metadata_rx_timestamp",
	}},
	{Kernel{6, 4}, []string{
		"bpf_cgroup_from_id", "bpf_dynptr_from_skb", "bpf_dynptr_from_xdp", "bpf_dynptr_slice", "bpf_dynptr_slice_rdwr",
		"bpf_iter_num_destroy", "bpf_iter_num_new", "bpf_iter_num_next", "bpf_list_push_back_impl",
		"bpf_list_push_front_impl", "bpf_rbtree_add_impl", "bpf_refcount_acquire_impl", "bpf_skb_get_fou_encap",
		"bpf_skb_set_fou_encap",
	}},
	{Kernel{6, 5}, []string{
		"bpf_dynptr_adjust", "bpf_dynptr_clone", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly", "bpf_dynptr_size",
		"bpf_sock_destroy",
	}},
	{Kernel{6, 6}, []string{"bpf_map_sum_elem_count", "bpf_percpu_obj_drop_impl", "bpf_percpu_obj_new_impl"}},
	{Kernel{6, 7}, []string{"bpf_throw"}},
	{Kernel{6, 8}, []string{"bpf_xdp_get_xfrm_state", "bpf_xdp_metadata_rx_vlan_tag", "bpf_xdp_xfrm_state_release"}},
	{Kernel{6, 9}, []string{"bpf_arena_alloc_pages", "bpf_arena_free_pages", "bpf_sk_assign_tcp_reqsk"}},
	{Kernel{6, 10}, []string{
		"bpf_crypto_ctx_acquire", "bpf_crypto_ctx_create", "bpf_crypto_ctx_release", "bpf_crypto_decrypt",
		"bpf_crypto_encrypt", "bpf_preempt_disable", "bpf_preempt_enable", "bpf_wq_init", "bpf_wq_set_callback_impl",
		"bpf_wq_start",
	}},
	{Kernel{6, 11}, []string{"bpf_iter_bits_destroy", "bpf_iter_bits_new", "bpf_iter_bits_next", "bpf_xdp_flow_lookup"}},
	{Kernel{6, 14}, []string{"bpf_local_irq_restore", "bpf_local_irq_save"}},
	{Kernel{6, 15}, []string{
		"bpf_dynptr_copy", "bpf_res_spin_lock", "bpf_res_spin_lock_irqsave", "bpf_res_spin_unlock",
		"bpf_res_spin_unlock_irqrestore", "bpf_sock_ops_enable_tx_tstamp",
	}},
	{Kernel{6, 16}, []string{"bpf_list_back", "bpf_list_front", "bpf_rbtree_left", "bpf_rbtree_right", "bpf_rbtree_root"}},
	{Kernel{6, 17}, []string{
		"bpf_dynptr_memset", "bpf_strchr", "bpf_strchrnul", "bpf_strcmp", "bpf_strcspn", "bpf_strlen", "bpf_strnchr",
		"bpf_strnlen", "bpf_strnstr", "bpf_strrchr", "bpf_strspn", "bpf_strstr",
	}},
	{Kernel{6, 18}, []string{"bpf_dynptr_from_skb_meta", "bpf_strcasecmp", "bpf_xdp_pull_data"}},
	{Kernel{7, 0}, []string{"bpf_timer_cancel_async"}},
	{Kernel{7, 2}, []string{ // or a little earlier, after 6.18
		"bpf_icmp_send", "bpf_list_add", "bpf_list_del", "bpf_list_empty", "bpf_list_is_first", "bpf_list_is_last",
		"bpf_list_push_back", "bpf_list_push_front", "bpf_obj_drop", "bpf_obj_new", "bpf_percpu_obj_drop", "bpf_percpu_obj_new",
		"bpf_rbtree_add", "bpf_refcount_acquire", "bpf_strcasestr", "bpf_strncasecmp", "bpf_strncasestr", "bpf_wq_set_callback",
	}},
}

// instruction returns the first kernel whose verifier takes an instruction, and
// what is special about it; kernel/bpf/verifier.c, Documentation/bpf/standardization.
func instruction(i insn.Instruction) (Kernel, string) {
	op := i.Op >> 4
	switch class := i.Class(); {
	case i.Op == insn.MayGoto:
		return Kernel{6, 9}, "instruction may_goto"
	case i.Op == insn.LongJump:
		return Kernel{6, 6}, "instruction gotol (ISA v4)"
	case i.Op == insn.JumpReg:
		return Kernel{6, 19}, "instruction gotox"
	case class == insn.ClassJMP32:
		return Kernel{5, 1}, "32-bit jumps (ISA v3)"
	case class == insn.ClassJMP && op >= 0xa && op <= 0xd:
		return Kernel{4, 14}, "jumps if less (ISA v2)"
	case class == insn.ClassALU64 && op == 0xd:
		return Kernel{6, 6}, "instruction bswap (ISA v4)"
	case i.Op == 0xbf && i.Off == 1:
		return Kernel{6, 9}, "instruction addr_space_cast"
	case (i.Op == 0xbf || i.Op == 0xbc) && i.Off != 0:
		return Kernel{6, 6}, "moves with sign extension (ISA v4)"
	case (class == insn.ClassALU64 || class == insn.ClassALU) && (op == 3 || op == 9) && i.Off == 1:
		return Kernel{6, 6}, "signed division (ISA v4)"
	case class == insn.ClassLDX && i.Op&0xe0 == 0x80:
		return Kernel{6, 6}, "loads with sign extension (ISA v4)"
	case class == insn.ClassSTX && i.Op&0xe0 == 0xc0 && i.Imm >= 0x100:
		return Kernel{6, 15}, "load-acquire and store-release"
	case class == insn.ClassSTX && i.Op&0xe0 == 0xc0 && i.Imm != 0:
		return Kernel{5, 12}, "atomic operations beside add (ISA v3)"
	case i.Op == insn.LoadImm64:
		return load(i.Src)
	}
	return Kernel{}, ""
}

// load returns the first kernel that takes a source of a 64-bit load.
func load(src byte) (Kernel, string) {
	switch src {
	case insn.LoadMapValue:
		return Kernel{5, 2}, "addresses of map values"
	case insn.LoadBTF:
		return Kernel{5, 10}, "addresses of kernel variables"
	case insn.LoadFunction:
		return Kernel{5, 13}, "addresses of functions"
	case insn.LoadIdx, insn.LoadIdxValue:
		return Kernel{5, 14}, "maps by index"
	}
	return Kernel{}, ""
}
