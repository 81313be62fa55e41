// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Sixteen programs that call each other's tails, each of which keeps the
 * verifier busy.
 */
#include "walk.h"

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
