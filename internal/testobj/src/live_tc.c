// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Tail calls of tc, through the array of the same name. */
#include "bpf.h"

struct bpf_elf_map SEC("maps") jmp = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 3,
	.id = 7,
	.pinning = PIN_GLOBAL_NS,
};

SEC("classifier") int entry(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jmp, 0);
	return TC_ACT_UNSPEC;
}

SEC("7/0") int last(struct __sk_buff *skb)
{
	return TC_ACT_SHOT;
}

LICENSE("Dual BSD/GPL");
