// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Programs for the nfp driver. RULE, from 1, is the number of the rule that the object breaks;
 * OK, from 1, of one that breaks none. The rules are those of Linux 6.12,
 * drivers/net/ethernet/netronome/nfp/bpf.
 */
#include "bpf.h"

#ifndef RULE
#define RULE 0
#endif
#ifndef OK
#define OK (RULE == 0)
#endif

#define BPF_MAP_TYPE_PERF_EVENT_ARRAY 4
#define BPF_F_NO_PREALLOC 1
#define BPF_F_CURRENT_CPU 0xffffffffULL
#define TC_ACT_STOLEN 4

struct value {
	__u32 hits;
	__u32 limit;
#if RULE == 13
	__u8 more[64];
#endif
};

struct {
#if RULE == 3
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
#else
	__uint(type, BPF_MAP_TYPE_HASH);
#endif
#if RULE == 14
	__uint(map_flags, BPF_F_NO_PREALLOC);
#endif
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct value);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

static __attribute__((unused)) long (*adjust_head)(void *ctx, int delta) = (void *)44;
static __attribute__((unused)) long (*event_output)(void *ctx, void *map, __u64 flags, void *data, __u64 size) = (void *)25;

static __attribute__((unused)) long (*map_update)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;

static __always_inline struct value *find(__u32 key)
{
	return bpf_map_lookup_elem(&flows, &key);
}

#if RULE == 9 || RULE == 10 || RULE == 17 || OK == 2

SEC("classifier") int nfp(struct __sk_buff *skb)
{
	struct value *v = find(1);

#if RULE == 9	/* TC_ACT_OK is none of the card's */
	return v ? TC_ACT_SHOT : TC_ACT_OK;
#elif RULE == 10	/* not a constant */
	return v ? TC_ACT_SHOT : (int)skb->len;
#else
#if RULE == 17	/* the mark of a packet */
	skb->mark = 1;
#endif
	return v ? (v->limit ? TC_ACT_SHOT : TC_ACT_STOLEN) : TC_ACT_UNSPEC;
#endif
}

#else

#if RULE == 16
static __noinline __u64 deep(struct xdp_md *ctx)
{
	volatile __u64 words[8] = { ctx->data_end - ctx->data };

	return words[0];
}
#endif

#if RULE == 18
__u64 total;
#endif

#if OK == 4
static __noinline int shorten(struct xdp_md *ctx, __u32 by)
{
	return adjust_head(ctx, by * 2);
}
#endif

SEC("xdp") int nfp(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct value *v;
	__u32 length, n;

	if (data + 14 > end)
		return XDP_DROP;
	length = end - data;
	v = find(data[0]);
#if RULE == 20	/* a counter begins as zero */
	if (!v) {
		struct value first = { 1, length };
		__u32 key = data[0];

		map_update(&flows, &key, &first, 0);
		return XDP_PASS;
	}
	__sync_fetch_and_add(&v->hits, 1);
#endif
	if (!v)
		return XDP_PASS;
	n = v->limit;

#if RULE == 1	/* no conversion to little endian */
	{
		__u64 swapped = length;

		asm volatile("%0 = le16 %0" : "+r"(swapped));
		if (swapped == 64)
			return XDP_DROP;
	}
#elif RULE == 2	/* no clock */
	if (bpf_ktime_get_ns() & 1)
		return XDP_DROP;
#elif RULE == 4	/* values are not written in place */
	v->limit = length;
#elif RULE == 5	/* nor is the index of the device known */
	if (ctx->ingress_ifindex == 1)
		return XDP_DROP;
#elif RULE == 6	/* atomics can only add */
	__sync_fetch_and_or(&v->hits, 1);
#elif RULE == 7	/* and not on the stack */
	{
		__u32 sum = length;

		barrier_var(n);
		__sync_fetch_and_add((volatile __u32 *)&sum, n);
		if (sum == 100)
			return XDP_DROP;
	}
#elif RULE == 8	/* a counter is not read */
	__sync_fetch_and_add(&v->hits, 1);
	if (v->hits > n)
		return XDP_DROP;
#elif RULE == 11	/* events go to the current CPU */
	event_output(ctx, &events, 0, &length, sizeof(length));
#elif RULE == 12	/* keys are on the stack */
	if (bpf_map_lookup_elem(&flows, &v->limit))
		return XDP_DROP;
#elif RULE == 15	/* no divisor but a constant */
	if (n && length / n > 9)
		return XDP_DROP;
#elif RULE == 16	/* frames are larger than the kernel counts */
	{
		volatile __u64 words[50] = { deep(ctx) };

		if (words[0] == n)
			return XDP_DROP;
	}
#elif RULE == 18	/* no global variables */
	total += length;
#elif RULE == 19	/* keys are aligned */
	{
		__u8 key[8] = { 0, data[1], data[2], data[3], data[4] };

		if (bpf_map_lookup_elem(&flows, key + 1))
			return XDP_DROP;
	}
#elif OK == 3
	__sync_fetch_and_add(&v->hits, 1);
	event_output(ctx, &events, BPF_F_CURRENT_CPU, &length, sizeof(length));
#elif OK == 4
	if (shorten(ctx, length & 3))
		return XDP_DROP;
#endif
	return length > n ? XDP_TX : XDP_PASS;
}

#endif

LICENSE("GPL");
