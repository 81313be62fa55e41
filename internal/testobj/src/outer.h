// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A pinned map of maps whose inner maps have OUTER_VALUE bytes an entry. */
#include "bpf.h"

struct bpf_elf_map SEC("maps") inner = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = 4,
	.size_value = OUTER_VALUE,
	.max_elem = 8,
	.id = 1,
	.inner_idx = 2,
};

struct bpf_elf_map SEC("maps") outer = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 4,
	.inner_id = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("xdp") int nested(struct xdp_md *ctx)
{
	__u32 key = 2;
	__u8 value[OUTER_VALUE] = { 9 };
	void *m = bpf_map_lookup_elem(&outer, &key);

	if (!m)
		return XDP_ABORTED;
	bpf_map_update_elem(m, &key, value, 0);
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
