// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Several programs: iproute2's default section, two in one section, one with a suffix. */
#include "bpf.h"

SEC("prog") int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp") int xdp_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp") int xdp_second(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("xdp/abrt") int xdp_abrt(struct xdp_md *ctx)
{
	return XDP_ABORTED;
}

LICENSE("Dual BSD/GPL");
