// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A prefix tree in iproute2's convention, with types by annotation. */
#include "bpf.h"

struct prefix {
	__u32 length;
	__u8 address[4];
};

struct bpf_elf_map SEC("maps") prefixes = {
	.type = BPF_MAP_TYPE_LPM_TRIE,
	.size_key = sizeof(struct prefix),
	.size_value = sizeof(__u32),
	.max_elem = 16,
	.flags = 1, /* BPF_F_NO_PREALLOC */
};

struct ____btf_map_prefixes {
	struct prefix key;
	__u32 value;
};
struct ____btf_map_prefixes SEC(".maps.prefixes") ____btf_map_prefixes = {};

SEC("xdp") int trie(struct xdp_md *ctx)
{
	struct prefix p = { 32, { 192, 0, 2, 1 } };
	__u32 *verdict = bpf_map_lookup_elem(&prefixes, &p);

	return verdict ? *verdict : XDP_PASS;
}

LICENSE("Dual BSD/GPL");
