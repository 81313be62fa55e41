// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs for a network card, with maps of the size that netdevsim takes: two entries. */
#include "bpf.h"

#define BPF_MAP_TYPE_PERF_EVENT_ARRAY 4
#define MAP(name, map_type, entries)             \
	struct {                                 \
		__uint(type, map_type);          \
		__uint(max_entries, entries);    \
		__type(key, __u32);              \
		__type(value, __u64);            \
	} name SEC(".maps")

MAP(table, BPF_MAP_TYPE_ARRAY, 2);
MAP(flows, BPF_MAP_TYPE_HASH, 2);
MAP(big, BPF_MAP_TYPE_ARRAY, 4);
MAP(cache, BPF_MAP_TYPE_LRU_HASH, 2);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u64);
} kept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

__u64 total;

static long (*event_output)(void *ctx, void *map, __u64 flags, void *data, __u64 size) = (void *)25;

static __always_inline void *find(void *map)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(map, &key);
}

SEC("xdp") int card(struct xdp_md *ctx)
{
	return find(&table) && find(&flows) ? XDP_PASS : XDP_DROP;
}

SEC("classifier") int card_tc(struct __sk_buff *skb)
{
	return find(&table) && find(&flows) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("xdp/plain") int card_plain(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("classifier/plain") int card_tc_plain(struct __sk_buff *skb)
{
	return TC_ACT_SHOT;
}

SEC("xdp/big") int card_big(struct xdp_md *ctx)
{
	return find(&big) ? XDP_PASS : XDP_DROP;
}

SEC("xdp/cache") int card_cache(struct xdp_md *ctx)
{
	return find(&cache) ? XDP_PASS : XDP_DROP;
}

SEC("xdp/kept") int card_kept(struct xdp_md *ctx)
{
	return find(&kept) ? XDP_PASS : XDP_DROP;
}

SEC("xdp/events") int card_events(struct xdp_md *ctx)
{
	__u32 event = 1;

	event_output(ctx, &events, 0xffffffff, &event, sizeof(event));
	return find(&table) ? XDP_PASS : XDP_DROP;
}

SEC("xdp/global") int card_global(struct xdp_md *ctx)
{
	total++;
	return XDP_PASS;
}

LICENSE("GPL");
