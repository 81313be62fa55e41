// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The types of a legacy map's entries, as iproute2's BPF_ANNOTATE_KV_PAIR gives them. */
#include "bpf.h"

struct flow {
	__u32 source;
	__u32 target;
};

struct bpf_elf_map SEC("maps") flows = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(struct flow),
	.size_value = sizeof(__u64),
	.max_elem = 8,
};

struct ____btf_map_flows {
	struct flow key;
	__u64 value;
};

struct ____btf_map_flows SEC(".maps.flows") ____btf_map_flows;

SEC("xdp") int annotated(struct xdp_md *ctx)
{
	struct flow key = { 1, 2 };
	__u64 value = 3;

	bpf_map_update_elem(&flows, &key, &value, 0);
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
