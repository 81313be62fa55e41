// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The verifier refuses it after a log of more than 1 MB: the long straight
 * path is walked before the bad read at its end.
 */
#include "bpf.h"

#define STEP(n)                                      \
	x = x * 33 + (n);                            \
	barrier_var(x);                              \
	if (x == (n) + 1000003)                      \
		x ^= bpf_ktime_get_ns();
#define STEP10(n) STEP(n) STEP(n + 1) STEP(n + 2) STEP(n + 3) STEP(n + 4) \
	STEP(n + 5) STEP(n + 6) STEP(n + 7) STEP(n + 8) STEP(n + 9)
#define STEP100(n) STEP10(n) STEP10(n + 10) STEP10(n + 20) STEP10(n + 30) STEP10(n + 40) \
	STEP10(n + 50) STEP10(n + 60) STEP10(n + 70) STEP10(n + 80) STEP10(n + 90)
#define STEP1000(n) STEP100(n) STEP100(n + 100) STEP100(n + 200) STEP100(n + 300) STEP100(n + 400) \
	STEP100(n + 500) STEP100(n + 600) STEP100(n + 700) STEP100(n + 800) STEP100(n + 900)

SEC("xdp") int xdp_hugelog(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;
	__u64 x = bpf_ktime_get_ns();

	STEP1000(0)
	STEP1000(1000)
	STEP1000(2000)
	STEP1000(3000)
	STEP1000(4000)
	return data[x & 1] ? XDP_DROP : XDP_PASS;
}

LICENSE("Dual BSD/GPL");
