// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Definitions wider than any loader reads, with nothing behind the five numbers, each in a section of its own. */
#include "bpf.h"

struct bpf_map_def {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	__u32 pinning;
	char namespace[256];
};

struct bpf_map_def SEC("maps/first") first = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 4,
};

struct bpf_map_def SEC("maps/second") second = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = 8,
	.map_flags = 1, /* BPF_F_NO_PREALLOC */
};

SEC("xdp") int maps_wide(struct xdp_md *ctx)
{
	__u32 key = 3, len = ctx->data_end - ctx->data;
	__u64 *n = bpf_map_lookup_elem(&first, &key);

	if (!n)
		return XDP_ABORTED;
	*n += 1;
	bpf_map_update_elem(&second, &key, &len, 0);
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
