// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The address of a static function and of a global one. */
#include "bpf.h"

__u64 sum;

static int add(__u32 i, void *ctx)
{
	sum += i;
	return 0;
}

static int twice(__u32 i, void *ctx)
{
	sum += 2 * i;
	return 0;
}

SEC("xdp") int xdp_callback(struct xdp_md *ctx)
{
	bpf_loop(4, twice, 0, 0);
	bpf_loop(5, add, 0, 0);
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
