// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Adds 1 to a map that XDP and tc share. */
#include "bpf.h"

struct bpf_elf_map SEC("maps") shared = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("xdp") int count(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&shared, &key);

	if (n)
		*n += 1;
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
