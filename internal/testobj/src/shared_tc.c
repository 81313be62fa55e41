// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Adds 100 to a map that XDP and tc share, as BTF defines it. */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps");

SEC("tc") int count(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&shared, &key);

	if (n)
		*n += 100;
	return TC_ACT_OK;
}

LICENSE("Dual BSD/GPL");
