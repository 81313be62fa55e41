// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The same object with BTF maps, as docs/migration.md has it. */
#include "bpf.h"

int parse(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, int(void *));
} jmp SEC(".maps") = {
	.values = { [0] = (void *)&parse },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} hits SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = &inner },
};

SEC("tc/parse") int parse(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&hits, &key);

	if (n)
		*n += 1;
	return bpf_map_lookup_elem(&outer, &key) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc") int entry(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jmp, 0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
