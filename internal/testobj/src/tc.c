// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The sections that tc looks for. */
#include "bpf.h"

SEC("classifier") int cls_ok(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

SEC("action") int act_ok(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

SEC("tc") int tc_shot(struct __sk_buff *skb)
{
	return TC_ACT_SHOT;
}

LICENSE("Dual BSD/GPL");
