// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* XDP that accepts packets in several buffers. */
#include "bpf.h"

SEC("xdp.frags") int xdp_frags(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
