// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The smallest XDP object: one program, no map, no relocation. */
#include "bpf.h"

SEC("xdp") int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
