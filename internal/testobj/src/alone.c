// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program and a map whose names no other object has, for look-ups by name in
 * a kernel that other tests load programs into. */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} alone_map SEC(".maps");

SEC("xdp") int alone_prog(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *n = bpf_map_lookup_elem(&alone_map, &key);

	if (n)
		(*n)++;
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
