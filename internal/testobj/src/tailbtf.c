// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program array with initial values, and a gap between them. */
#include "bpf.h"

int first(struct xdp_md *ctx);
int third(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jmp SEC(".maps") = {
	.values = {
		[0] = (void *)&first,
		[2] = (void *)&third,
	},
};

SEC("xdp") int entry(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 0);
	return XDP_ABORTED;
}

SEC("prog/first") int first(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 2);
	return XDP_ABORTED;
}

SEC("classifier/third") int third(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
