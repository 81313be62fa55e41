// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Names of the kernel: functions, variables with and without a type, and settings. What is weak is
 * absent, and then packets pass; what is there is stored.
 */
#include "bpf.h"

#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))

enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE };
struct absent;

extern int absent_function(struct xdp_md *ctx) __ksym __weak;
extern const int absent_number __ksym __weak;
extern const struct absent *absent_pointer __ksym __weak;
extern const void absent_address __ksym __weak;
extern void absent_plain __ksym __weak;
extern const void bpf_prog_put __ksym; /* a function, of which only the address is taken */

extern __u32 LINUX_KERNEL_VERSION __kconfig;
extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig; /* so libbpf declares them */
extern const _Bool LINUX_HAS_BPF_COOKIE __kconfig __weak;
extern _Bool CONFIG_BPF_SYSCALL __kconfig;
extern __u64 CONFIG_HZ __kconfig;
extern enum libbpf_tristate CONFIG_BPF __kconfig;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig __weak;
extern _Bool CONFIG_ABSENT __kconfig __weak;
extern __u32 CONFIG_ABSENT_NUMBER __kconfig __weak;

__u32 version;
__u64 hz;
__u64 address;
char host;
_Bool syscall;
_Bool wrapper;
_Bool cookie;
__u32 bpf;

SEC("xdp") int weak_names(struct xdp_md *ctx)
{
	if (absent_function)
		return absent_function(ctx);
	if (&absent_number || &absent_pointer || &absent_address || &absent_plain)
		return XDP_ABORTED;
	return XDP_PASS;
}

SEC("xdp/address") int address_only(struct xdp_md *ctx)
{
	address = (__u64)&bpf_prog_put;
	return XDP_PASS;
}

SEC("xdp/settings") int settings(struct xdp_md *ctx)
{
	version = LINUX_KERNEL_VERSION;
	syscall = CONFIG_BPF_SYSCALL;
	wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	cookie = LINUX_HAS_BPF_COOKIE;
	hz = CONFIG_HZ;
	host = CONFIG_DEFAULT_HOSTNAME[0];
	bpf = CONFIG_BPF;
	return CONFIG_ABSENT || CONFIG_ABSENT_NUMBER ? XDP_ABORTED : XDP_PASS;
}

LICENSE("GPL");
