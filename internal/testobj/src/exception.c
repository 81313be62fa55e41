// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A program that throws, what runs in its place then, which only a tag names, and a program that does not throw. */
#include "bpf.h"

extern void bpf_throw(__u64 cookie) __attribute__((section(".ksyms")));

__attribute__((noinline)) static int verdict_of(__u64 cookie)
{
	__asm__ volatile("");
	return cookie == 7 ? XDP_TX : XDP_ABORTED;
}

__attribute__((noinline)) int caught(__u64 cookie)
{
	return verdict_of(cookie);
}

__attribute__((btf_decl_tag("exception_callback:caught"))) SEC("xdp") int throwing(struct xdp_md *ctx)
{
	bpf_throw(7);
	return XDP_PASS;
}

SEC("xdp/none") int quiet(struct xdp_md *ctx)
{
	return XDP_PASS;
}

LICENSE("GPL");
