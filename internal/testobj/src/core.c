// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* CO-RE: the offset of a kernel structure's member is known at load time only. */
#include "bpf.h"

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} seen SEC(".maps");

SEC("xdp") int xdp_core(struct xdp_md *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 key = 0, tgid = 0;

	bpf_probe_read_kernel(&tgid, sizeof(tgid), &task->tgid);
	bpf_map_update_elem(&seen, &key, &tgid, 0);
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
