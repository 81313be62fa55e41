// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Two megabytes of programs, each in a section of its own, of which one is wanted. */
#include "bpf.h"

#define STEP(n)             \
	x = x * (33 + n);   \
	barrier_var(x);     \
	if (x == n + 71)    \
		x ^= bpf_ktime_get_ns();
#define TEN(n) STEP(n) STEP(n + 1) STEP(n + 2) STEP(n + 3) STEP(n + 4) \
	STEP(n + 5) STEP(n + 6) STEP(n + 7) STEP(n + 8) STEP(n + 9)
#define FIFTY(n) TEN(n) TEN(n + 10) TEN(n + 20) TEN(n + 30) TEN(n + 40)

#define PROGRAM(n)                                           \
	SEC("xdp/p" #n) int p##n(struct xdp_md *ctx)         \
	{                                                    \
		__u64 x = ctx->rx_queue_index + n;           \
		FIFTY(0) FIFTY(50) FIFTY(100)                \
		return x & 1 ? XDP_DROP : XDP_PASS;          \
	}
#define PROGRAMS(n) PROGRAM(n##0) PROGRAM(n##1) PROGRAM(n##2) PROGRAM(n##3) PROGRAM(n##4) \
	PROGRAM(n##5) PROGRAM(n##6) PROGRAM(n##7) PROGRAM(n##8) PROGRAM(n##9)

PROGRAMS(1) PROGRAMS(2) PROGRAMS(3) PROGRAMS(4) PROGRAMS(5) PROGRAMS(6) PROGRAMS(7) PROGRAMS(8)
PROGRAMS(9) PROGRAMS(10) PROGRAMS(11)

SEC("xdp/wanted") int wanted(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
