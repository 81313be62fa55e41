// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Values for each CPU, and keys with a structure. */
#include "bpf.h"

struct flow {
	__u8 source[4];
	__u16 port;
	__u16 proto;
};

struct stats {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, struct flow);
	__type(value, struct stats);
} flows SEC(".maps");

SEC("xdp") int percpu(struct xdp_md *ctx)
{
	struct flow flow = { { 192, 0, 2, 1 }, 80, 6 };
	struct stats one = { 1, ctx->data_end - ctx->data };
	struct stats *s = bpf_map_lookup_elem(&flows, &flow);

	if (s) {
		s->packets += one.packets;
		s->bytes += one.bytes;
	} else {
		bpf_map_update_elem(&flows, &flow, &one, 0);
	}
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
