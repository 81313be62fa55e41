// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A .text section without any relocation of its own. */
#include "bpf.h"

static __noinline int twice(int n)
{
	barrier_var(n);
	return 2 * n;
}

SEC("xdp") int xdp_twice(struct xdp_md *ctx)
{
	return twice(1);
}

LICENSE("Dual BSD/GPL");
