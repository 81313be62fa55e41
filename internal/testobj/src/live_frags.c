// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The programs' flags do not suit an array that others made. */
#include "bpf.h"

struct bpf_elf_map SEC("maps") jmp = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 3,
	.id = 7,
	.pinning = PIN_GLOBAL_NS,
};

SEC("xdp.frags") int entry(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 0);
	return XDP_ABORTED;
}

SEC("7/0") int last(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
