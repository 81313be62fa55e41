// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Two programs of different kinds that enter the same tail program: each alone can be loaded. */
#include "bpf.h"

int tail(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jmp SEC(".maps") = {
	.values = { [0] = (void *)&tail },
};

SEC("prog") int tail(void *ctx)
{
	return 0;
}

SEC("xdp") int from_xdp(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 0);
	return XDP_PASS;
}

SEC("tc") int from_tc(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jmp, 0);
	return TC_ACT_OK;
}

LICENSE("Dual BSD/GPL");
