// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Every pinning, in both styles of map, in one object. */
#include "bpf.h"

#define PINNED(name, n)                      \
	struct bpf_elf_map SEC("maps") name = { \
		.type = BPF_MAP_TYPE_ARRAY,  \
		.size_key = 4,               \
		.size_value = 4,             \
		.max_elem = 1,               \
		.pinning = n,                \
	}

PINNED(by_none, PIN_NONE);
PINNED(by_object, PIN_OBJECT_NS);
PINNED(by_global, PIN_GLOBAL_NS);
PINNED(by_number, 4);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u32);
} by_name SEC(".maps");

static __always_inline void count(void *map)
{
	__u32 key = 0, *n = bpf_map_lookup_elem(map, &key);

	if (n)
		*n += 1;
}

SEC("xdp") int pins(struct xdp_md *ctx)
{
	count(&by_none);
	count(&by_object);
	count(&by_global);
	count(&by_number);
	count(&by_name);
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
