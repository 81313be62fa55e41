// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Maps of maps with initial values. */
#include "bpf.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [1] = &inner_a, [3] = &inner_b } };

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer_hash SEC(".maps") = { .values = { &inner_b } };

SEC("xdp") int mim(struct xdp_md *ctx)
{
	__u32 key = 1, zero = 0, *n;
	void *m = bpf_map_lookup_elem(&outer, &key);

	if (!m)
		return XDP_ABORTED;
	n = bpf_map_lookup_elem(m, &zero);
	if (n)
		*n += 1;
	return bpf_map_lookup_elem(&outer_hash, &zero) ? XDP_PASS : XDP_ABORTED;
}

LICENSE("Dual BSD/GPL");
