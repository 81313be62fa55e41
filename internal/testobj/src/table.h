// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A pinned hash of TABLE_ENTRIES values of TABLE_VALUE. */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TABLE_ENTRIES);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, TABLE_VALUE);
} table SEC(".maps");

SEC("xdp") int lookup(struct xdp_md *ctx)
{
	__u32 key = 1;

	return bpf_map_lookup_elem(&table, &key) ? XDP_DROP : XDP_PASS;
}

LICENSE("Dual BSD/GPL");
