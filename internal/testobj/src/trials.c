// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* 16 programs, two of which the verifier refuses. They share a pinned map. */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} trials SEC(".maps");

static __always_inline int count(__u32 key, int verdict)
{
	__u64 *n = bpf_map_lookup_elem(&trials, &key);

	if (n)
		*n += 1;
	return verdict;
}

/* First: clang embeds no source when the first function comes from a macro. */
SEC("xdp") int bad_read(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	return count(data[14], XDP_PASS);
}

#define XDP(n)                                             \
	SEC("xdp") int good_xdp##n(struct xdp_md *ctx)     \
	{                                                  \
		return count(n, XDP_PASS);                 \
	}
#define TC(n)                                              \
	SEC("tc") int good_tc##n(struct __sk_buff *skb)    \
	{                                                  \
		return count(n, 0);                        \
	}

XDP(0)
XDP(1)
XDP(2)
XDP(3)
XDP(4)
XDP(5)
XDP(6)

TC(8)
TC(9)
TC(10)
TC(11)
TC(12)
TC(13)

SEC("tc") int bad_null(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	__u64 *n = bpf_map_lookup_elem(&trials, &key);

	return *n > 1;
}

SEC("socket") int good_socket(struct __sk_buff *skb)
{
	return skb->len;
}

LICENSE("Dual BSD/GPL");
