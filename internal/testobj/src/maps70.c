// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * More maps than the 64 that iproute2 had room for. A program may use 64 too
 * (MAX_USED_MAPS, include/linux/bpf_verifier.h); this one uses the last 30.
 */
#include "bpf.h"

#define MAP(n)                                  \
	struct bpf_elf_map SEC("maps") map##n = { \
		.type = BPF_MAP_TYPE_ARRAY,     \
		.size_key = 4,                  \
		.size_value = 4,                \
		.max_elem = 1,                  \
	}
#define USE(n)                                        \
	value = bpf_map_lookup_elem(&map##n, &key);   \
	if (value)                                    \
		*value = 1;
#define TEN(F, n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
#define DECLARE(n) MAP(n);

TEN(DECLARE, 1)
TEN(DECLARE, 2)
TEN(DECLARE, 3)
TEN(DECLARE, 4)
TEN(DECLARE, 5)
TEN(DECLARE, 6)
TEN(DECLARE, 7)

SEC("xdp") int maps70(struct xdp_md *ctx)
{
	__u32 key = 0, *value;

	TEN(USE, 5)
	TEN(USE, 6)
	TEN(USE, 7)
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
