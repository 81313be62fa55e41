// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A pinned map of which the value has grown and changed order. */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct host);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} grown SEC(".maps");

SEC("xdp") int grown_prog(struct xdp_md *ctx)
{
	__u32 key = 1;
	struct host *h = bpf_map_lookup_elem(&grown, &key);

	return h && h->limit == 7 ? XDP_DROP : XDP_PASS;
}

LICENSE("Dual BSD/GPL");
