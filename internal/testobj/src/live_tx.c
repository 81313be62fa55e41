// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "live.h"

SEC("7/1") int last(struct xdp_md *ctx)
{
	return XDP_TX;
}
