// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Counts packets and bytes in a per-CPU array, with one global in each data section. */
#include "bpf.h"

struct counters {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} unused SEC(".maps");

const volatile __u32 action = XDP_PASS;	/* .rodata */
__u32 step = 1;				/* .data */
__u64 total;				/* .bss */

SEC("xdp") int xdp_count(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct counters *c = bpf_map_lookup_elem(&stats, &key);

	if (!c)
		return XDP_ABORTED;
	c->packets += step;
	c->bytes += ctx->data_end - ctx->data;
	total++;
	return action;
}

SEC("xdp/plain") int xdp_plain(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
