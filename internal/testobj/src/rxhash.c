// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Asks the driver for a packet's hash, and keeps what it says. */
#include "bpf.h"

enum xdp_rss_hash_type { XDP_RSS_TYPE_NONE };

extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *ctx, __u32 *hash,
				    enum xdp_rss_hash_type *rss_type) __attribute__((section(".ksyms")));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, int);
} answers SEC(".maps");

SEC("xdp") int xdp_rx_hash(struct xdp_md *ctx)
{
	enum xdp_rss_hash_type type = 0;
	__u32 key = 0, hash = 0;
	int *answer = bpf_map_lookup_elem(&answers, &key);

	if (answer)
		*answer = bpf_xdp_metadata_rx_hash(ctx, &hash, &type) ? 2 : 1;
	return XDP_PASS;
}

LICENSE("GPL");
