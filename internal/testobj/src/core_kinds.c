// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Every kind of CO-RE relocation, of what kernels have and of what none has. */
#include "bpf.h"

#define CORE __attribute__((preserve_access_index))
#define field(p, f, kind) __builtin_preserve_field_info((p)->f, kind)
#define type(t, kind) __builtin_preserve_type_info(*(typeof(t) *)0, kind)
#define enumval(t, v, kind) __builtin_preserve_enum_value(*(typeof(t) *)v, kind)

enum { BYTE_OFFSET, BYTE_SIZE, EXISTS, SIGNED, LSHIFT, RSHIFT };
enum { TYPE_EXISTS, TYPE_SIZE };
enum { ENUMVAL_EXISTS, ENUMVAL_VALUE };

/* A union in a structure, an array, and a structure in a structure. */
struct list_head {
	struct list_head *next, *prev;
} CORE;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__u32 u6_addr32[4];
	} in6_u;
} CORE;

struct sk_buff {
	unsigned int len, data_len;
	__u8 pkt_type : 3; /* in a structure without a name, in a union without one */
	__u8 cloned : 1;
	int no_such_member;
	char cb[48];
	struct list_head list;
} CORE;

struct sk_buff___flavour {
	unsigned long len; /* of another size */
	unsigned char *head, *data;
} CORE;

struct task_struct {
	int pid;
	char comm[16];
	struct list_head tasks;
	unsigned int in_execve : 1;
} CORE;

struct no_such_struct {
	int member;
} CORE;

union no_such_union {
	int member;
};

typedef struct {
	int counter;
} atomic_t;

typedef atomic_t atomic_long_t; /* another structure */
struct work_struct;
typedef void (*work_func_t)(struct work_struct *work);
typedef int (*no_such_func_t)(int);
typedef unsigned int gfp_t;

enum pkt_hash_types {
	PKT_HASH_TYPE_NO_SUCH = 1,
	PKT_HASH_TYPE_L3 = 9,
};

enum hrtimer_restart {
	HRTIMER_RESTART = 7,
};

enum no_such_enum {
	NO_SUCH_VALUE = 1,
};

volatile __u64 out[64];

SEC("xdp") int core_fields(struct xdp_md *ctx)
{
	struct sk_buff *skb = (void *)(long)ctx->rx_queue_index;
	struct sk_buff___flavour *other = (void *)skb;
	struct task_struct *task = (void *)skb;
	struct in6_addr *addr = (void *)skb;
	struct no_such_struct *none = (void *)skb;

	out[0] = field(skb, len, BYTE_OFFSET);
	out[1] = field(skb, len, BYTE_SIZE);
	out[2] = field(skb, len, SIGNED);
	out[3] = field(skb, no_such_member, EXISTS);
	out[4] = field(skb, cb[7], BYTE_OFFSET);
	out[5] = field(skb, cb, BYTE_SIZE);
	out[6] = field(skb, list.prev, BYTE_OFFSET);
	out[7] = field(skb, pkt_type, BYTE_OFFSET);
	out[8] = field(skb, pkt_type, BYTE_SIZE);
	out[9] = field(skb, pkt_type, LSHIFT);
	out[10] = field(skb, pkt_type, RSHIFT);
	out[11] = field(skb, cloned, LSHIFT);
	out[12] = field(other, len, BYTE_SIZE);
	out[13] = field(other, data, BYTE_OFFSET);
	out[14] = field(task, comm, EXISTS);
	out[15] = field(task, comm[3], BYTE_OFFSET);
	out[16] = field(task, tasks.next, BYTE_OFFSET);
	out[17] = field(task, in_execve, LSHIFT);
	out[18] = field(task, pid, SIGNED);
	out[19] = field(addr, in6_u.u6_addr32[2], BYTE_OFFSET);
	out[20] = field(none, member, EXISTS);
	return XDP_PASS;
}

SEC("xdp/types") int core_types(struct xdp_md *ctx)
{
	out[0] = type(struct sk_buff, TYPE_EXISTS);
	out[1] = type(struct sk_buff, TYPE_SIZE);
	out[2] = type(struct no_such_struct, TYPE_EXISTS);
	out[3] = type(union no_such_union, TYPE_EXISTS);
	out[4] = type(atomic_t, TYPE_EXISTS);
	out[5] = type(atomic_t, TYPE_SIZE);
	out[6] = type(work_func_t, TYPE_EXISTS);
	out[7] = type(no_such_func_t, TYPE_EXISTS);
	out[8] = type(gfp_t, TYPE_SIZE);
	out[9] = type(enum hrtimer_restart, TYPE_EXISTS);
	out[10] = type(enum no_such_enum, TYPE_EXISTS);
	out[11] = type(atomic_long_t, TYPE_EXISTS);
	return XDP_PASS;
}

SEC("xdp/enums") int core_enums(struct xdp_md *ctx)
{
	out[0] = enumval(enum hrtimer_restart, HRTIMER_RESTART, ENUMVAL_VALUE);
	out[1] = enumval(enum hrtimer_restart, HRTIMER_RESTART, ENUMVAL_EXISTS);
	out[2] = enumval(enum pkt_hash_types, PKT_HASH_TYPE_NO_SUCH, ENUMVAL_EXISTS);
	out[3] = enumval(enum no_such_enum, NO_SUCH_VALUE, ENUMVAL_EXISTS);
	return XDP_PASS;
}

/* The number that a type of the object has in the types that go with the program. */
SEC("xdp/local") int core_local(struct xdp_md *ctx)
{
	out[0] = __builtin_btf_type_id(*(struct list_head *)0, 0);
	return XDP_PASS;
}

/* The number of a type of the kernel: nothing but all of its types tells it. */
SEC("xdp/id") int core_id(struct xdp_md *ctx)
{
	out[0] = __builtin_btf_type_id(*(struct task_struct *)0, 1);
	return XDP_PASS;
}

/* A member that must be there. */
SEC("xdp/missing") int core_missing(struct xdp_md *ctx)
{
	struct no_such_struct *none = (void *)(long)ctx->rx_queue_index;

	out[0] = field(none, member, BYTE_OFFSET);
	return XDP_PASS;
}

/* A value that must be there. */
SEC("xdp/value") int core_value(struct xdp_md *ctx)
{
	out[0] = enumval(enum no_such_enum, NO_SUCH_VALUE, ENUMVAL_VALUE);
	return XDP_PASS;
}

LICENSE("GPL");
