// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* An object for iproute2 as docs/migration.md has it. */
#include "bpf.h"

struct bpf_elf_map SEC("maps") jmp = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.id = 1,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.pinning = PIN_GLOBAL_NS,
	.max_elem = 2,
};

struct bpf_elf_map SEC("maps") hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.pinning = PIN_GLOBAL_NS,
	.max_elem = 1,
};

struct bpf_elf_map SEC("maps") inner = {
	.type = BPF_MAP_TYPE_ARRAY,
	.id = 2,
	.inner_idx = 0,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 4,
};

struct bpf_elf_map SEC("maps") outer = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.inner_id = 2,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
};

SEC("1/0") int parse(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&hits, &key);

	if (n)
		*n += 1;
	return bpf_map_lookup_elem(&outer, &key) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("classifier") int entry(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jmp, 0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
