// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Runs from a CPUMAP entry, never on a device. */
#include "bpf.h"

SEC("xdp/cpumap") int xdp_cpumap(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
