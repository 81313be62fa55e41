// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Prints to the streams of the program, by the function as kernels after 6.18 have it. */
#include "bpf.h"

#define __ksym __attribute__((section(".ksyms")))

extern int bpf_stream_vprintk(int stream, const char *fmt__str, const void *args, __u32 len__sz) __ksym __weak;

enum { BPF_STDOUT = 1, BPF_STDERR = 2 };

/* Aborts where the kernel has no memory for text, or no such function. */
SEC("xdp") int xdp_stream(struct xdp_md *ctx)
{
	static const char out[] = "a packet of %llu bytes\n", err[] = "an error\n";
	__u64 length = ctx->data_end - ctx->data;
	int ret = -1;

	if (bpf_stream_vprintk) {
		bpf_stream_vprintk(BPF_STDERR, err, &length, 0);
		ret = bpf_stream_vprintk(BPF_STDOUT, out, &length, sizeof(length));
	}
	return ret < 0 ? XDP_ABORTED : XDP_PASS;
}

LICENSE("GPL");
