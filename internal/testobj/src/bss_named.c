// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Variables in sections of their own, of which one without bytes in the file. */
#include "bpf.h"

__u64 packets SEC(".bss.counters");
__u32 step SEC(".data.config") = 3;
const volatile __u32 limit SEC(".rodata.config") = 4;

SEC("xdp") int bss_named(struct xdp_md *ctx)
{
	packets += step;
	return packets < limit ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual BSD/GPL");
