// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Traces a kernel function: no hook of a network device. */
#include "bpf.h"

SEC("fentry/netif_receive_skb") int enter(__u64 *ctx)
{
	return 0;
}

LICENSE("Dual BSD/GPL");
