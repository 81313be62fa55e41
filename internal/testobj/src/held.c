// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Lists in a map's value and in a variable, of structures that only tags name. */
#include "bpf.h"

#define __contains(name, member) __attribute__((btf_decl_tag("contains:" #name ":" #member)))

struct bpf_list_head {
	__u64 a, b;
} __attribute__((aligned(8)));

struct bpf_list_node {
	__u64 a, b, c;
} __attribute__((aligned(8)));

struct bpf_spin_lock {
	__u32 val;
};

struct item {
	struct bpf_list_node node;
	__u32 data;
};

struct queue {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(item, node);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct queue);
	__uint(max_entries, 1);
} queues SEC(".maps");

struct item *names_the_type;

struct bpf_spin_lock lock SEC(".data.queue");
struct bpf_list_head head SEC(".data.queue") __contains(item, node);
__u32 seen SEC(".data.queue") = 7;

SEC("xdp") int held(struct xdp_md *ctx)
{
	__u32 key = 0;

	if (!bpf_map_lookup_elem(&queues, &key))
		return XDP_ABORTED;
	return seen == 7 ? XDP_PASS : XDP_DROP;
}

SEC("xdp/none") int without(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("GPL");
