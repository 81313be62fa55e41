// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A pinning that bpf_pinning has to know. */
#include "bpf.h"

struct bpf_elf_map SEC("maps") custom = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 1,
	.pinning = 99,
};

SEC("xdp") int pin99(struct xdp_md *ctx)
{
	__u32 key = 0, *n = bpf_map_lookup_elem(&custom, &key);

	if (n)
		*n = 99;
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
