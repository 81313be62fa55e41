// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * iproute2's "maps" section. MAP_SIZE gives the size of the structure: 16
 * bytes have no flags, 20 no id, 28 no inner maps, 36 is struct bpf_elf_map of
 * iproute2's include/bpf_elf.h.
 */
#include "bpf.h"

struct map_def {
	__u32 type;
	__u32 size_key;
	__u32 size_value;
	__u32 max_elem;
#if MAP_SIZE >= 20
	__u32 flags;
#endif
#if MAP_SIZE >= 28
	__u32 id;
	__u32 pinning;
#endif
#if MAP_SIZE >= 36
	__u32 inner_id;
	__u32 inner_idx;
#endif
};

struct map_def SEC("maps") first = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 4,
};

struct map_def SEC("maps") second = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 8,
#if MAP_SIZE >= 20
	.flags = 1, /* BPF_F_NO_PREALLOC */
#endif
};

SEC("prog") int xdp_legacy(struct xdp_md *ctx)
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
