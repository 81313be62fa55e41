// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program that is in its own array: it calls itself until the kernel stops it. */
#include "bpf.h"

int entry(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jmp SEC(".maps") = { .values = { [0] = (void *)&entry } };

__u32 calls;

SEC("xdp") int entry(struct xdp_md *ctx)
{
	calls++;
	bpf_tail_call(ctx, &jmp, 0);
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
