// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Sends samples of packets to user space: whole ones with a header before them through a
 * perf event array, the first bytes of each through a ring buffer.
 */
#include "bpf.h"

struct sample {
	__u64 time;	/* of bpf_ktime_get_ns */
	__u32 ifindex;
	__u32 length;	/* of the packet */
	__u32 number;	/* counted from 1 on */
	__u32 verdict;
};

struct head {
	struct sample about;
	__u8 start[40];
};

struct head *types;	/* clang writes no types that only local variables have */

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} heads SEC(".maps");

const volatile __u32 every = 100;	/* packets for one sample */
__u32 seen;
__u64 full;	/* times that the ring buffer had no room */

/* Whether to send it; of other frames than the tests' own, which hosts send unasked, none. */
static __always_inline int due(struct xdp_md *ctx, struct sample *s)
{
	__u16 *type = (void *)(long)ctx->data + 12;
	__u32 n;

	if ((void *)(type + 1) > (void *)(long)ctx->data_end || *type != 0xb588)
		return 0;
	n = ++seen;
	s->time = bpf_ktime_get_ns();
	s->ifindex = ctx->ingress_ifindex;
	s->length = ctx->data_end - ctx->data;
	s->number = n;
	s->verdict = XDP_PASS;
	return n % every == 0;
}

SEC("xdp") int sampler(struct xdp_md *ctx)
{
	struct sample s;

	if (due(ctx, &s))
		bpf_perf_event_output(ctx, &samples, (__u64)s.length << 32 | BPF_F_CURRENT_CPU, &s, sizeof(s));
	return XDP_PASS;
}

SEC("xdp") int header(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct head *h;
	struct sample s;

	if (!due(ctx, &s) || data + sizeof(h->start) > end)
		return XDP_PASS;
	h = bpf_ringbuf_reserve(&heads, sizeof(*h), 0);
	if (!h) {
		__sync_fetch_and_add(&full, 1);
		return XDP_PASS;
	}
	h->about = s;
	__builtin_memcpy(h->start, data, sizeof(h->start));
	bpf_ringbuf_submit(h, 0);
	return XDP_PASS;
}

LICENSE("GPL");
