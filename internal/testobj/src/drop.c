// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Drops every packet. */
#include "bpf.h"

SEC("xdp") int xdp_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

LICENSE("Dual BSD/GPL");
