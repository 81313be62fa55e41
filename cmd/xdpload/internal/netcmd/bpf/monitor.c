// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Counts, at the kernel's tracepoints of XDP (include/trace/events/xdp.h), the packets that
 * were lost, by what is known of why. A packet a microsecond may be lost in the same way,
 * so that they are counted here rather than told one by one.
 */
#include "../../../../../internal/testobj/src/bpf.h"

/* The members of kernel structures that are read, wherever the running kernel has them. */
#define KERNEL __attribute__((preserve_access_index))

struct ns_common {
	__u32 inum;
} KERNEL;

struct net {
	struct ns_common ns;
} KERNEL;

typedef struct {
	struct net *net;
} KERNEL possible_net_t;

struct net_device {
	__u32 ifindex;
	possible_net_t nd_net;
} KERNEL;

struct bpf_prog_aux {
	__u32 id;
} KERNEL;

struct bpf_prog {
	struct bpf_prog_aux *aux;
} KERNEL;

struct bpf_map {
	__u32 id;
} KERNEL;

static __u32 (*bpf_get_smp_processor_id)(void) = (void *)8;

enum event { EXCEPTION, REDIRECT, XMIT, TX, ENQUEUE, KTHREAD };

struct loss {
	__u32 event;
	__u32 netns;    /* inode of the device's */
	__u32 ifindex;  /* of the device that the packet came to, 0 for none */
	__u32 program;  /* id, 0 for none */
	__s32 reason;   /* an errno, negative; of an exception the verdict */
	__u32 map;      /* id, 0 for none */
	__u32 to;       /* index in the map, or ifindex where there is no map */
	__u32 to_netns; /* of XMIT */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct loss);
	__type(value, __u64);
} losses SEC(".maps");

/* What found no room there. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} others SEC(".maps");

const volatile __u32 only_netns = 0;
const volatile __u32 only_ifindex = 0; /* 0 for all */

#define READ(to, from) bpf_probe_read_kernel(&(to), sizeof(to), &(from))

static __always_inline void count(struct loss *l, __u64 packets)
{
	__u32 first = 0;
	__u64 none = 0, *n = bpf_map_lookup_elem(&losses, l);

	if (!n) {
		bpf_map_update_elem(&losses, l, &none, 1 /* BPF_NOEXIST */);
		n = bpf_map_lookup_elem(&losses, l);
	}
	if (!n)
		n = bpf_map_lookup_elem(&others, &first);
	if (n)
		__sync_fetch_and_add(n, packets);
}

static __always_inline __u32 netns_of(struct net_device *dev)
{
	struct net *net = 0;
	__u32 inode = 0;

	READ(net, dev->nd_net.net);
	READ(inode, net->ns.inum);
	return inode;
}

/* Whether losses of the device are to be counted. */
static __always_inline int at(struct loss *l, struct net_device *dev)
{
	READ(l->ifindex, dev->ifindex);
	l->netns = netns_of(dev);
	return (!only_ifindex || l->ifindex == only_ifindex) && l->netns == only_netns;
}

static __always_inline void by(struct loss *l, struct bpf_prog *prog)
{
	struct bpf_prog_aux *aux = 0;

	READ(aux, prog->aux);
	READ(l->program, aux->id);
}

SEC("raw_tp/xdp_exception") int exception(__u64 *ctx)
{
	struct loss l = { .event = EXCEPTION, .reason = (__u32)ctx[2] };

	if (!at(&l, (void *)ctx[0]))
		return 0;
	by(&l, (void *)ctx[1]);
	count(&l, 1);
	return 0;
}

/* Since Linux 5.13 the arguments are the map's type, its id, and the index. */
SEC("raw_tp/xdp_redirect_err") int redirect(__u64 *ctx)
{
	struct loss l = { .event = REDIRECT, .reason = (__s32)ctx[3], .to = (__u32)ctx[6] };

	if (!at(&l, (void *)ctx[0]))
		return 0;
	if (ctx[4])
		l.map = (__u32)ctx[5];
	by(&l, (void *)ctx[1]);
	count(&l, 1);
	return 0;
}

/* Before that they were the map, and the index. */
SEC("raw_tp/xdp_redirect_err") int redirect_map(__u64 *ctx)
{
	struct loss l = { .event = REDIRECT, .reason = (__s32)ctx[3], .to = (__u32)ctx[5] };
	struct bpf_map *map = (void *)ctx[4];

	if (!at(&l, (void *)ctx[0]))
		return 0;
	if (map)
		READ(l.map, map->id);
	by(&l, (void *)ctx[1]);
	count(&l, 1);
	return 0;
}

SEC("raw_tp/xdp_devmap_xmit") int xmit(__u64 *ctx)
{
	struct net_device *to = (void *)ctx[1];
	struct loss l = { .event = XMIT, .reason = (__s32)ctx[4] };
	__s32 drops = (__s32)ctx[3];

	if (drops <= 0 || !at(&l, (void *)ctx[0]))
		return 0;
	READ(l.to, to->ifindex);
	l.to_netns = netns_of(to);
	count(&l, drops);
	return 0;
}

SEC("raw_tp/xdp_bulk_tx") int tx(__u64 *ctx)
{
	struct loss l = { .event = TX, .reason = (__s32)ctx[3] };
	__s32 drops = (__s32)ctx[2];

	if (drops > 0 && at(&l, (void *)ctx[0]))
		count(&l, drops);
	return 0;
}

/* Of a map of CPUs the device is not known. */
static __always_inline int on_cpu(__u32 event, __u32 map, __u32 drops, __u32 cpu)
{
	struct loss l = { .event = event, .map = map, .to = cpu };

	if (drops && !only_ifindex)
		count(&l, drops);
	return 0;
}

SEC("raw_tp/xdp_cpumap_enqueue") int enqueue(__u64 *ctx)
{
	return on_cpu(ENQUEUE, ctx[0], ctx[2], ctx[3]);
}

SEC("raw_tp/xdp_cpumap_kthread") int kthread(__u64 *ctx)
{
	return on_cpu(KTHREAD, ctx[0], ctx[2], bpf_get_smp_processor_id());
}

LICENSE("Dual BSD/GPL");
