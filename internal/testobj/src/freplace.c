// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Replaces a function of another program: needs a target. */
#include "bpf.h"

SEC("freplace/xdp_main") int replacement(struct xdp_md *ctx)
{
	return XDP_DROP;
}

LICENSE("Dual BSD/GPL");
