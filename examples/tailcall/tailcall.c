// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A classifier in parts that call each other through a table, in the style of
 * iproute2: section "7/0" goes to key 0 of the map whose id is 7. The entry
 * finds UDP over IPv4 and hands it to part 0, which counts it and hands what is
 * for port 9, "discard", to part 1. Needs no header:
 *
 *	clang -O2 -target bpf -c tailcall.c -o tailcall.o
 */
typedef unsigned int u32;

struct __sk_buff {
	u32 len, pkt_type, mark, queue_mapping, protocol;
};

struct bpf_elf_map {
	u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx;
};

#define SEC(name) __attribute__((section(name), used))
#define PIN_GLOBAL 2
#define ACT_OK 0
#define ACT_SHOT 2

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*tail_call)(void *ctx, void *map, u32 key) = (void *)12;
static long (*load_bytes)(const void *skb, u32 offset, void *to, u32 len) = (void *)26;

struct bpf_elf_map SEC("maps") tailcall_jmp = {
	.type = 3, /* BPF_MAP_TYPE_PROG_ARRAY */
	.size_key = 4,
	.size_value = 4,
	.max_elem = 2,
	.id = 7,
	.pinning = PIN_GLOBAL,
};

/* How many datagrams came, and how many of them were discarded. */
struct bpf_elf_map SEC("maps") tailcall_seen = {
	.type = 2, /* BPF_MAP_TYPE_ARRAY */
	.size_key = 4,
	.size_value = 4,
	.max_elem = 2,
	.pinning = PIN_GLOBAL,
};

static void count(u32 key)
{
	u32 *n = map_lookup(&tailcall_seen, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("classifier") int entry(struct __sk_buff *skb)
{
	unsigned char ip[14];

	if (load_bytes(skb, 14, ip, sizeof(ip)) == 0 && ip[0] == 0x45 && ip[9] == 17)
		tail_call(skb, &tailcall_jmp, 0);
	return ACT_OK;
}

SEC("7/0") int datagram(struct __sk_buff *skb)
{
	unsigned char port[2];

	count(0);
	if (load_bytes(skb, 14 + 20 + 2, port, sizeof(port)) == 0 && port[0] == 0 && port[1] == 9)
		tail_call(skb, &tailcall_jmp, 1);
	return ACT_OK;
}

SEC("7/1") int discard(struct __sk_buff *skb)
{
	count(1);
	return ACT_SHOT;
}

/* What the script puts in the place of discard, while packets come in. */
SEC("spare") int forgive(struct __sk_buff *skb)
{
	return ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
