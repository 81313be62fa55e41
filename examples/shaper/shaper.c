// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A classifier for a shaper: it looks at the port to which a datagram goes, and
 * returns the class of an htb qdisc that it goes out by. The class is the
 * filter's, of its "classid", or the return value. Needs no header:
 *
 *	clang -O2 -g -target bpf -c shaper.c -o shaper.o
 */
typedef unsigned int u32;

struct __sk_buff {
	u32 len, pkt_type, mark, queue_mapping, protocol;
};

#define SEC(name) __attribute__((section(name), used))
#define NO_MATCH 0
#define CLASSID_OF_FILTER -1
#define BULK 0x00010020 /* 1:20 */

static long (*load_bytes)(const void *skb, u32 offset, void *to, u32 len) = (void *)26;

SEC("classifier") int by_port(struct __sk_buff *skb)
{
	unsigned char ip[24];

	if (load_bytes(skb, 14, ip, sizeof(ip)) || ip[0] != 0x45 || ip[9] != 17)
		return NO_MATCH;
	switch (ip[22] << 8 | ip[23]) {
	case 53:
		return CLASSID_OF_FILTER;
	case 9:
		return BULK;
	}
	return NO_MATCH;
}

char _license[] SEC("license") = "Dual BSD/GPL";
