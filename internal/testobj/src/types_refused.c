// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* An enumeration that is only declared, whose type no kernel takes, and programs that do without types. */
#include "bpf.h"

enum later;

struct holder {
	enum later *later;
	__u32 seen;
};

struct holder holder;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct holder);
} events SEC(".maps");

SEC("xdp") int types_refused(struct xdp_md *ctx)
{
	holder.seen = 7 + bpf_ringbuf_query(&events, 0);
	return XDP_PASS;
}

SEC("xdp/bad") int types_rejected(struct xdp_md *ctx)
{
	holder.seen = *(__u8 *)(long)ctx->data;
	return XDP_PASS;
}

LICENSE("GPL");
