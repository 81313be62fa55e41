/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A loop of which the verifier walks every turn. */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

static __always_inline int walk(__u64 seed)
{
	__u32 key = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &key), x = seed + bpf_ktime_get_ns();

	if (!sum)
		return XDP_PASS;
	for (int i = 0; i < TURNS; i++) {
		barrier_var(i);
		x = x * 33 + i;
		if ((x & 7) == 3)
			x ^= *sum;
	}
	*sum = x;
	return XDP_PASS;
}
