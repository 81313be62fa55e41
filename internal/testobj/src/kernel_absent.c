// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Names that no kernel has, of each kind, which the programs cannot do without; and one that has a type. */
#include "bpf.h"

#define __ksym __attribute__((section(".ksyms")))

extern int absent_function(struct xdp_md *ctx) __ksym;
extern int absent_weak(struct xdp_md *ctx) __ksym __attribute__((weak));
extern const void absent_address __ksym;
extern const int absent_number __ksym;
extern const int bpf_prog_active __ksym;
extern _Bool CONFIG_ABSENT __attribute__((section(".kconfig")));

SEC("xdp/function") int wants_function(struct xdp_md *ctx)
{
	return absent_function(ctx);
}

/* Without a look whether it is there. */
SEC("xdp/weak") int wants_weak(struct xdp_md *ctx)
{
	return absent_weak(ctx);
}

SEC("xdp/address") int wants_address(struct xdp_md *ctx)
{
	return (__u64)&absent_address == 5 ? XDP_DROP : XDP_PASS;
}

SEC("xdp/number") int wants_number(struct xdp_md *ctx)
{
	return absent_number;
}

static const void *(*this_cpu_ptr)(const void *percpu) = (void *)154;

SEC("xdp/typed") int typed(struct xdp_md *ctx)
{
	const int *active = this_cpu_ptr(&bpf_prog_active);

	return *active ? XDP_DROP : XDP_PASS;
}

SEC("xdp/setting") int wants_setting(struct xdp_md *ctx)
{
	return CONFIG_ABSENT;
}

LICENSE("GPL");
