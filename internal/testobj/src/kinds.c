// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Members of map definitions that most maps do not have. */
#include "bpf.h"

#define __ulong(name, value) enum { __unique_##name = value } name

struct event {
	__u64 when;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event); /* a note for people */
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(map_flags, 4); /* BPF_F_NUMA_NODE */
	__uint(numa_node, 0);
	__uint(key_size, 6);
	__uint(value_size, 12);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__uint(value_size, 4);
	__ulong(map_extra, 3);
} bloom SEC(".maps");

SEC("xdp") int kinds(struct xdp_md *ctx)
{
	__u32 key[2] = {};

	bpf_map_lookup_elem(&plain, key);
	bpf_map_push_elem(&bloom, key, 0);
	bpf_ringbuf_query(&events, 0);
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
