// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A format string, which is in a section of the compiler's own. */
#include "bpf.h"

SEC("xdp") int xdp_printk(struct xdp_md *ctx)
{
	bpf_trace_printk("ifindex %u", sizeof("ifindex %u"), ctx->ingress_ifindex);
	return XDP_PASS;
}

LICENSE("GPL");
