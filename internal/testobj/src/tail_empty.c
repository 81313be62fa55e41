// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program array without initial values, and programs to put into it. */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} jmp SEC(".maps");

SEC("xdp") int entry(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 1);
	return XDP_PASS;
}

SEC("xdp/drop") int drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp/tx") int tx(struct xdp_md *ctx)
{
	return XDP_TX;
}

LICENSE("Dual BSD/GPL");
