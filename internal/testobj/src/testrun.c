// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs whose verdict and whose changes a test can foresee. */
#include "bpf.h"

static long (*bpf_xdp_adjust_head)(struct xdp_md *ctx, int delta) = (void *)44;
static long (*bpf_xdp_adjust_meta)(struct xdp_md *ctx, int delta) = (void *)54;

/* The verdict on each packet, plus one, by the number that the packet has. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u32);
} verdicts SEC(".maps");

struct frame {
	__u8 to[6], from[6];
	__u8 type[2]; /* 0x88b5: for experiments */
	__u32 number; /* big endian */
	__u8 mark;
} __attribute__((packed));

SEC("xdp") int xdp_sort(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;
	__u32 number, verdict, *seen;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end || f->type[0] != 0x88 || f->type[1] != 0xb5)
		return XDP_PASS;
	number = __builtin_bswap32(f->number);
	verdict = number % 7 % 5;
	seen = bpf_map_lookup_elem(&verdicts, &number);
	if (seen)
		*seen = verdict + 1;
	if (verdict == XDP_PASS)
		f->mark = 0xee;
	return verdict;
}

/* Puts a tag of four bytes behind the addresses. */
SEC("xdp/push") int xdp_push(struct xdp_md *ctx)
{
	__u32 *to, tag = 0x2a000081;

	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_ABORTED;
	to = (void *)(long)ctx->data;
	if ((void *)(to + 4) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	to[0] = to[1];
	to[1] = to[2];
	to[2] = to[3];
	to[3] = tag;
	return XDP_TX;
}

/* Leaves a number in front of the packet: that of the queue. */
SEC("xdp/meta") int xdp_meta(struct xdp_md *ctx)
{
	__u32 *meta;

	if (bpf_xdp_adjust_meta(ctx, -4))
		return XDP_ABORTED;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_ABORTED;
	*meta = ctx->ingress_ifindex;
	return XDP_PASS;
}

SEC("tc") int tc_mark(struct __sk_buff *skb)
{
	skb->cb[1] = skb->mark + skb->cb[0];
	skb->mark = skb->priority;
	return skb->ifindex > 1 ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("socket") int keep(struct __sk_buff *skb)
{
	return skb->len > 20 ? 20 : 0;
}

LICENSE("Dual BSD/GPL");
