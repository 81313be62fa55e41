// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Calls a function that freplace.c replaces. */
#include "bpf.h"

__noinline int xdp_main(struct xdp_md *ctx)
{
	volatile int verdict = XDP_PASS;

	return ctx ? verdict : XDP_ABORTED;
}

SEC("xdp") int xdp_replaced(struct xdp_md *ctx)
{
	return xdp_main(ctx);
}

LICENSE("Dual BSD/GPL");
