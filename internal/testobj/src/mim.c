// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * iproute2's maps of maps: inner_id names the inner map, whose inner_idx is its
 * key. FAULT makes the ways in which that cannot be.
 */
#include "bpf.h"

#ifndef FAULT
#define FAULT 0
#endif

struct bpf_elf_map SEC("maps") inner = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 2,
	.id = 42,
	.inner_idx = FAULT == 3 ? 4 : 1,
};

struct bpf_elf_map SEC("maps") template = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 2,
	.id = 43,
	.inner_idx = -1,
};

struct bpf_elf_map SEC("maps") outer = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 4,
	.inner_id = FAULT == 1 ? 0 : FAULT == 2 ? 55 : 42,
};

struct bpf_elf_map SEC("maps") outer_hash = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 4,
	.inner_id = 43,
};

SEC("xdp") int mim(struct xdp_md *ctx)
{
	__u32 key = 1, zero = 0, *n;
	void *m = bpf_map_lookup_elem(&outer, &key);

	if (!m)
		return XDP_ABORTED;
	n = bpf_map_lookup_elem(m, &zero);
	if (n)
		*n += 1;
	return bpf_map_lookup_elem(&outer_hash, &key) ? XDP_ABORTED : XDP_PASS;
}

LICENSE("Dual BSD/GPL");
