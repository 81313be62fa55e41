// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Two programs that talk about a packet: the XDP program, which sees it first,
 * writes a mark in front of it, and the classifier, which sees it when it has become a
 * socket buffer, takes the mark from there and gives it to the stack, for
 * "ip rule … fwmark" and the like. Needs no header:
 *
 *	clang -O2 -g -target bpf -c marker.c -o marker.o
 */
typedef unsigned int u32;

struct xdp_md {
	u32 data, data_end, data_meta;
};

struct __sk_buff {
	u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority;
	u32 ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, data, data_end, napi_id;
	u32 family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port, data_meta;
};

#define SEC(name) __attribute__((section(name), used))
#define XDP_PASS 2
#define ACT_OK 0
#define MARK 42

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*adjust_meta)(struct xdp_md *ctx, int delta) = (void *)54;

/* How many packets the classifier found without a mark, and with one. */
struct {
	int (*type)[2]; /* BPF_MAP_TYPE_ARRAY */
	u32 *key;
	u32 *value;
	int (*max_entries)[2];
} marked SEC(".maps");

SEC("xdp") int mark(struct xdp_md *ctx)
{
	unsigned char *frame = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	u32 *meta;

	/* UDP over IPv4, to port 9. */
	if (frame + 38 > end || frame[12] != 8 || frame[13] != 0 || frame[14] != 0x45 || frame[23] != 17 ||
	    frame[36] != 0 || frame[37] != 9)
		return XDP_PASS;
	if (adjust_meta(ctx, -(int)sizeof(*meta)))
		return XDP_PASS;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > (void *)(long)ctx->data)
		return XDP_PASS;
	*meta = MARK;
	return XDP_PASS;
}

SEC("classifier") int take(struct __sk_buff *skb)
{
	u32 *meta = (void *)(long)skb->data_meta;
	u32 key = 0, *n;

	if ((void *)(meta + 1) <= (void *)(long)skb->data) {
		skb->mark = *meta;
		key = *meta == MARK;
	}
	if (skb->protocol != 8) /* IPv4, in network byte order */
		return ACT_OK;
	n = map_lookup(&marked, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	return ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
