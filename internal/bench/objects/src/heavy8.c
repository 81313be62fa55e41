// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Eight programs that keep the verifier busy, each in a section of its own. */
#include "walk.h"

#define PROGRAM(n)                                              \
	SEC("xdp/heavy" #n) int heavy##n(struct xdp_md *ctx) \
	{                                                       \
		return walk(n);                                 \
	}

PROGRAM(1) PROGRAM(2) PROGRAM(3) PROGRAM(4)
PROGRAM(5) PROGRAM(6) PROGRAM(7) PROGRAM(8)

LICENSE("Dual BSD/GPL");
