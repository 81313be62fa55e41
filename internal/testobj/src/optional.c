// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program that is loaded only when it is asked for, beside one that always is. */
#include "bpf.h"

SEC("xdp") int xdp_always(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("?xdp") int xdp_optional(struct xdp_md *ctx)
{
	return XDP_DROP;
}

LICENSE("Dual BSD/GPL");
