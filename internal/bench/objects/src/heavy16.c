// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Sixteen programs that call each other's tails, each of which keeps the
 * verifier busy: it walks every turn of the loop.
 */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

static __always_inline int walk(__u64 seed)
{
	__u32 key = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &key), x = seed + bpf_ktime_get_ns();

	if (!sum)
		return XDP_PASS;
	for (int i = 0; i < TURNS; i++) {
		barrier_var(i);
		x = x * 33 + i;
		if ((x & 7) == 3)
			x ^= *sum;
	}
	*sum = x;
	return XDP_PASS;
}

#define PROGRAM(n)                                \
	SEC("xdp") int heavy##n(struct xdp_md *ctx) \
	{                                         \
		return walk(n);              \
	}

PROGRAM(1) PROGRAM(2) PROGRAM(3) PROGRAM(4) PROGRAM(5)
PROGRAM(6) PROGRAM(7) PROGRAM(8) PROGRAM(9) PROGRAM(10)
PROGRAM(11) PROGRAM(12) PROGRAM(13) PROGRAM(14) PROGRAM(15)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 15);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} next SEC(".maps") = {
	.values = {
		heavy1, heavy2, heavy3, heavy4, heavy5, heavy6, heavy7, heavy8,
		heavy9, heavy10, heavy11, heavy12, heavy13, heavy14, heavy15,
	},
};

SEC("xdp") int heavy0(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &next, ctx->rx_queue_index);
	return walk(0);
}

LICENSE("Dual BSD/GPL");
