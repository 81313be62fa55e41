// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* One program that uses as many maps as one may: MAX_USED_MAPS of include/linux/bpf_verifier.h. */
#include "bpf.h"

#define DECLARE(n)                            \
	struct {                              \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__uint(max_entries, 1);       \
		__type(key, __u32);           \
		__type(value, __u32);         \
	} map##n SEC(".maps");
#define USE(n)                                      \
	value = bpf_map_lookup_elem(&map##n, &key); \
	if (value)                                  \
		*value = 1;
#define EIGHT(F, n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7)
#define ALL(F) EIGHT(F, 1) EIGHT(F, 2) EIGHT(F, 3) EIGHT(F, 4) EIGHT(F, 5) EIGHT(F, 6) EIGHT(F, 7) EIGHT(F, 8)

ALL(DECLARE)

SEC("xdp") int maps64(struct xdp_md *ctx)
{
	__u32 key = 0, *value;

	ALL(USE)
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
