// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One map that libbpf and iproute2 pin by name, used from XDP and from tc. */
#include "bpf.h"

struct flow {
	__u32 src;
	__u32 dst;
	__u16 port[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__uint(pinning, 1); /* LIBBPF_PIN_BY_NAME */
	__type(key, struct flow);
	__type(value, __u64);
} flows SEC(".maps");

static __always_inline void count(void)
{
	struct flow f = {};
	__u64 *n = bpf_map_lookup_elem(&flows, &f);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("xdp") int xdp_flows(struct xdp_md *ctx)
{
	count();
	return XDP_PASS;
}

SEC("tc") int tc_flows(struct __sk_buff *skb)
{
	count();
	return 0;
}

LICENSE("Dual BSD/GPL");
