// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * An entry and the fifteen programs of its table: enough to be verified on
 * several threads.
 */
#include "bpf.h"

struct bpf_elf_map SEC("maps") table = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 16,
	.id = 1,
};

SEC("xdp") int six00(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &table, 1);
	return XDP_PASS;
}

#define PROGRAM(key, name) \
	SEC("1/" #key) int name(struct xdp_md *ctx) { return XDP_PASS; }

PROGRAM(1, six01)
PROGRAM(2, six02)
PROGRAM(3, six03)
PROGRAM(4, six04)
PROGRAM(5, six05)
PROGRAM(6, six06)
PROGRAM(7, six07)
PROGRAM(8, six08)
PROGRAM(9, six09)
PROGRAM(10, six10)
PROGRAM(11, six11)
PROGRAM(12, six12)
PROGRAM(13, six13)
PROGRAM(14, six14)
PROGRAM(15, six15)

LICENSE("Dual BSD/GPL");
