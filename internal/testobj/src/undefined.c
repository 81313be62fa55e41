// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One program that calls what nobody has, and one that does not care. */
#include "bpf.h"

extern int nowhere(struct xdp_md *ctx);

SEC("xdp") int xdp_good(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp") int xdp_same_section(struct xdp_md *ctx)
{
	return nowhere(ctx) + 1;
}

SEC("xdp/bad") int xdp_bad(struct xdp_md *ctx)
{
	return nowhere(ctx);
}

LICENSE("Dual BSD/GPL");
