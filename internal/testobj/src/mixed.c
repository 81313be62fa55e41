// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Structures of 36 and 20 bytes in one section, and static maps of both styles. */
#include "bpf.h"

struct bpf_map_def {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
};

struct bpf_elf_map SEC("maps") long_def = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 16,
	.flags = 1, /* BPF_F_NO_PREALLOC */
};

struct bpf_map_def SEC("maps") short_def = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 2,
};

static struct bpf_elf_map SEC("maps") static_def = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 5,
};

static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 6);
	__type(key, __u32);
	__type(value, __u32);
} static_btf SEC(".maps");

SEC("xdp") int mixed(struct xdp_md *ctx)
{
	__u32 key = 1, *a, *b, *c;
	__u64 value = 1;

	bpf_map_update_elem(&long_def, &key, &value, 0);
	a = bpf_map_lookup_elem(&short_def, &key);
	b = bpf_map_lookup_elem(&static_def, &key);
	c = bpf_map_lookup_elem(&static_btf, &key);
	if (!a || !b || !c)
		return XDP_ABORTED;
	*a = 1;
	*b = 2;
	*c = 3;
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
