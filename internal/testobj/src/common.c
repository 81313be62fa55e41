// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* COMMON symbols, which clang -fcommon makes of variables without a value, beside a .bss. */
#include "bpf.h"

__u8 small;
__u64 large;
__u32 zero __attribute__((section(".bss"))) = 0;

SEC("xdp") int common(struct xdp_md *ctx)
{
	small += 1;
	large += 2;
	zero += 3;
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
