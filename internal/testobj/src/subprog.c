// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Subprograms of every kind. XDP_PASS is 2, so each program passes only when
 * the right functions ran; the results map has 111 and 222 then.
 */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} results SEC(".maps");

/* .text with a relocation to a map. */
static __noinline int store(__u32 key, __u32 value)
{
	return bpf_map_update_elem(&results, &key, &value, 0);
}

/* Never called first: a loader that ignores the symbol's offset lands here. */
__noinline int first_global(struct xdp_md *ctx)
{
	return ctx->rx_queue_index ? XDP_TX : XDP_ABORTED;
}

/* .text to .text. */
__noinline int second_global(struct xdp_md *ctx)
{
	if (store(0, 111) || store(1, 222))
		return XDP_ABORTED;
	return ctx->rx_queue_index ? XDP_TX : XDP_PASS;
}

SEC("xdp") int xdp_global(struct xdp_md *ctx)
{
	return second_global(ctx);
}

SEC("xdp") int xdp_static(struct xdp_md *ctx)
{
	return store(0, 111) ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp/both") int xdp_both(struct xdp_md *ctx)
{
	int action = first_global(ctx);

	return action == XDP_ABORTED ? second_global(ctx) : action;
}

LICENSE("Dual BSD/GPL");
