// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A socket filter: no XDP program in the object. */
#include "bpf.h"

SEC("socket") int socket_all(struct __sk_buff *skb)
{
	return -1;
}

LICENSE("Dual BSD/GPL");
