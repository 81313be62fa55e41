// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * As libxdp makes a dispatcher: a program that calls functions which other programs
 * replace, as many as its configuration says (version 2 of xdp-tools,
 * lib/libxdp/xdp-dispatcher.c.in). This one has room for two.
 */
#include "bpf.h"

#define MAX 10
#define NOT_REPLACED 31

static const volatile struct {
	__u8 magic, version, count, frags;
	__u32 chain_call_actions[MAX], run_prios[MAX], program_flags[MAX];
} conf = {
	.magic = 236,
	.version = 2,
	.count = 2,
	.chain_call_actions = { 1 << XDP_PASS, 1 << XDP_PASS },
	.run_prios = { 10, 50 },
};

#define STUB(name) __noinline int name(struct xdp_md *ctx)	\
{								\
	volatile int ret = NOT_REPLACED;			\
	return ctx ? ret : XDP_ABORTED;				\
}
STUB(prog0)
STUB(prog1)

SEC("xdp") int xdp_dispatcher(struct xdp_md *ctx)
{
	int ret;

	if (conf.count < 1)
		return XDP_PASS;
	ret = prog0(ctx);
	if (ret != NOT_REPLACED && !(1U << (ret & 31) & conf.chain_call_actions[0]))
		return ret;
	if (conf.count < 2)
		return XDP_PASS;
	ret = prog1(ctx);
	if (ret != NOT_REPLACED && !(1U << (ret & 31) & conf.chain_call_actions[1]))
		return ret;
	return XDP_PASS;
}

LICENSE("Dual BSD/GPL");
