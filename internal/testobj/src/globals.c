// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Global variables of every type that a command line can set. */
#include "bpf.h"

typedef __u16 __be16;
typedef __u32 __be32;

struct in6_addr {
	union {
		__u8 bytes[16];
		__be32 words[4];
	};
};

enum mode { MODE_OFF, MODE_LEARN = 5, MODE_ENFORCE };

struct peer {
	__u8 mac[6];
	__be16 port;
	__u32 weight;
};

struct config {
	__u32 limit;
	_Bool strict;
	enum mode mode;
	struct peer peers[2];
	union {
		__u8 addr4[4];
		__u8 addr6[16];
	};
	__u32 low : 4;
	__u32 high : 28;
};

const volatile __u8 byte = 1;
const volatile __s16 negative = -2;
const volatile __u64 wide = 0x1122334455667788;
const volatile _Bool enabled;
const volatile enum mode mode = MODE_LEARN;
const volatile char name[8] = "unset";
const volatile __u8 host4[4];
const volatile __u8 host6[16];
const volatile __be32 network;
const volatile struct in6_addr gateway;
const volatile __u32 ports[4] = { 80, 443 };
struct config config = { .limit = 10, .peers = { { .weight = 1 }, { .weight = 2 } } };
__u64 total;
static volatile __u32 hidden_limit = 7;

SEC("xdp") int globals(struct xdp_md *ctx)
{
	static volatile __u32 calls;

	calls++;
	total += byte + negative + wide + enabled + mode + name[0] + host4[0] + host6[0] + network + gateway.bytes[0] +
		ports[3] + config.limit + hidden_limit;
	return enabled ? XDP_PASS : XDP_DROP;
}

SEC("xdp/none") int without(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
