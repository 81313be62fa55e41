// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * iproute2's tail calls: section "ID/KEY" goes to KEY of the program array
 * with ID. FAULT makes the ways in which that cannot be.
 */
#include "bpf.h"

#ifndef FAULT
#define FAULT 0
#endif

struct bpf_elf_map SEC("maps") jmp = {
	.type = FAULT == 3 ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = FAULT == 2 ? 1 : 3,
	.id = FAULT == 1 ? 8 : 7,
};

struct bpf_elf_map SEC("maps") hexadecimal = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 1,
	.id = 0xabccba,
};

struct bpf_elf_map SEC("maps") counts = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 1,
};

SEC("xdp.frags") int entry(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 0);
	return XDP_ABORTED;
}

SEC("7/0") int tail0(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jmp, 1);
	return XDP_ABORTED;
}

/* A static function, as large datapaths have them. */
__attribute__((section("7/1"), used)) static int tail1(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &hexadecimal, 0);
	return XDP_ABORTED;
}

SEC("0xabccba/0") int last(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u32 *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		*n += 1;
	return XDP_PASS;
}

SEC("xdp/alone") int alone(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
