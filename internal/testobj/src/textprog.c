// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program without SEC(): it is in .text. */
#include "bpf.h"

int xdp_text(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
