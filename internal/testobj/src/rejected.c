// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The verifier refuses it: reads the packet without asking where it ends. */
#include "bpf.h"

SEC("xdp") int xdp_rejected(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	return data[14] ? XDP_DROP : XDP_PASS;
}

LICENSE("Dual BSD/GPL");
