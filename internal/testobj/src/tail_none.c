// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* PIN_NONE: nothing but the loader keeps the array of tc's tail calls. */
#include "bpf.h"

struct bpf_elf_map SEC("maps") jmp = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 2,
	.id = 7,
	.pinning = PIN_NONE,
};

SEC("classifier") int entry(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jmp, 0);
	return TC_ACT_OK;
}

SEC("7/0") int first(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jmp, 1);
	return TC_ACT_OK;
}

SEC("7/1") int second(struct __sk_buff *skb)
{
	return TC_ACT_SHOT;
}

LICENSE("Dual BSD/GPL");
