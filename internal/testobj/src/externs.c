// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A setting of the kernel (kconfig), a variable that it has not (ksym), and a program that uses neither. */
#include "bpf.h"

extern int LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));
#ifdef TYPED /* which the library cannot load */
extern const int bpf_no_such_variable __attribute__((section(".ksyms"))) __weak;
#else
extern void bpf_no_such_variable __attribute__((section(".ksyms"))) __weak;
#endif

__u32 version_code;

SEC("xdp") int externs(struct xdp_md *ctx)
{
	version_code = LINUX_KERNEL_VERSION;
	return &bpf_no_such_variable ? XDP_ABORTED : XDP_PASS;
}

SEC("xdp/none") int without(struct xdp_md *ctx)
{
	return XDP_PASS;
}

__u32 _version SEC("version") = 0x060102;
LICENSE("Dual BSD/GPL");
