// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Forwards frames by another CPU and by another device, and counts them at each step. */
#include "bpf.h"

struct bpf_devmap_val {
	__u32 ifindex;
	int prog;
};

struct bpf_cpumap_val {
	__u32 qsize;
	int prog;
};

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} ports SEC(".maps");

enum { TO_CPU, ON_CPU, TO_PORT, AT_PORT, ARRIVED, STEPS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STEPS);
	__type(key, __u32);
	__type(value, __u64);
} steps SEC(".maps");

/* Counts the frames of tests, and says whether this is one. */
static __always_inline int count(struct xdp_md *ctx, __u32 step)
{
	__u8 *data = (void *)(long)ctx->data;
	__u64 *n;

	if (data + 14 > (__u8 *)(long)ctx->data_end || data[12] != 0x88 || data[13] != 0xb5)
		return 0;
	n = bpf_map_lookup_elem(&steps, &step);
	if (n)
		__sync_fetch_and_add(n, 1);
	return 1;
}

SEC("xdp") int to_cpu(struct xdp_md *ctx)
{
	return count(ctx, TO_CPU) ? bpf_redirect_map(&cpus, 0, XDP_DROP) : XDP_PASS;
}

SEC("xdp/cpumap") int on_cpu(struct xdp_md *ctx)
{
	count(ctx, ON_CPU);
	return XDP_PASS;
}

SEC("xdp") int to_port(struct xdp_md *ctx)
{
	return count(ctx, TO_PORT) ? bpf_redirect_map(&ports, 1, XDP_DROP) : XDP_PASS;
}

SEC("xdp/devmap") int at_port(struct xdp_md *ctx)
{
	count(ctx, AT_PORT);
	return XDP_PASS;
}

SEC("xdp") int arrived(struct xdp_md *ctx)
{
	count(ctx, ARRIVED);
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
