// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Counts the frames of EtherType 0x88b5 ("local experimental") that a device
 * receives and passes them on; compiled with -DVERDICT=1 it drops them. All
 * other frames pass uncounted. Needs no header:
 *
 *	clang -O2 -g -target bpf -c foo.c -o foo.o
 */
#ifndef VERDICT
#define VERDICT 2 /* XDP_PASS */
#endif

struct xdp_md {
	unsigned int data, data_end;
};

struct {
	int (*type)[2]; /* BPF_MAP_TYPE_ARRAY */
	unsigned int *key;
	unsigned long long *value;
	int (*max_entries)[1];
} packets __attribute__((section(".maps"), used));

static void *(*map_lookup)(void *map, const void *key) = (void *)1;

__attribute__((section("xdp"), used)) int count(struct xdp_md *ctx)
{
	unsigned char *frame = (void *)(long)ctx->data;
	unsigned char *end = (void *)(long)ctx->data_end;
	unsigned long long *n;
	unsigned int key = 0;

	if (frame + 14 > end || frame[12] != 0x88 || frame[13] != 0xb5)
		return 2;
	n = map_lookup(&packets, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	return VERDICT;
}

char _license[] __attribute__((section("license"), used)) = "Dual BSD/GPL";
