// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A pinned DEVMAP and ring buffer: the kernel changes both definitions. */
#include "bpf.h"

struct bpf_elf_map SEC("maps") ports = {
	.type = BPF_MAP_TYPE_DEVMAP,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 4,
	.pinning = PIN_GLOBAL_NS,
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");

static long (*bpf_ringbuf_output)(void *ringbuf, void *data, __u64 size, __u64 flags) = (void *)130;

SEC("xdp") int redirect(struct xdp_md *ctx)
{
	__u32 seen = 1;

	bpf_ringbuf_output(&events, &seen, sizeof(seen), 0);
	return bpf_redirect_map(&ports, 0, XDP_DROP);
}

LICENSE("Dual BSD/GPL");
