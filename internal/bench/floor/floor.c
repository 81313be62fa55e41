// SPDX-License-Identifier: MIT
/*
 * The floor: the system calls that a piece of work needs, and nothing else. No
 * object is read, nothing is looked up that the kernel can look up, and whatever
 * goes wrong is a status.
 *
 *	floor version			nothing at all
 *	floor attach DEV		load a program of two instructions, and attach it
 *	floor attach PREFIX N		load it once, and attach it to PREFIX0 and so on
 *	floor off DEV			detach
 *	floor maps DEV			64 maps, and a program that uses them, attached
 *	floor filter DEV		replace a filter on ingress, pref 1 and handle 1
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAPS 64
#define FLIGHT 128 /* requests on the socket at a time */

/* must ends the program where the kernel gives no descriptor: without one, set detaches. */
static int must(int fd)
{
	if (fd < 0)
		exit(2);
	return fd;
}

static int load(int type, const struct bpf_insn *code, int n)
{
	union bpf_attr attr = {
		.prog_type = type,
		.insn_cnt = n,
		.insns = (__u64)(unsigned long)code,
		.license = (__u64)(unsigned long)"GPL",
		.prog_name = "floor",
	};

	return must(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));
}

static int load_tiny(int type, int verdict)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(type, code, 2);
}

static int create(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
		.map_name = "floor",
	};

	return must(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

/* load_maps has the program look the only element of each map up, and set it. */
static int load_maps(void)
{
	static struct bpf_insn code[3 + 8 * MAPS];
	int i, n = 0;

	code[n++] = (struct bpf_insn){ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .off = -4 };
	for (i = 0; i < MAPS; i++) {
		code[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_10 };
		code[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -4 };
		code[n++] = (struct bpf_insn){ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = create() };
		code[n++] = (struct bpf_insn){ 0 };
		code[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem };
		code[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0, .off = 2 };
		code[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1 };
		code[n++] = (struct bpf_insn){ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_0, .src_reg = BPF_REG_1 };
	}
	code[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS };
	code[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	return load(BPF_PROG_TYPE_XDP, code, n);
}

/* Requests that wait to be sent together. */
static char flight[FLIGHT * 128];
static int used;

static struct nlmsghdr *message(int type, int flags, const void *body, int len)
{
	struct nlmsghdr *h = (void *)(flight + used);

	h->nlmsg_len = NLMSG_LENGTH(len);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	memcpy(NLMSG_DATA(h), body, len);
	return h;
}

/* put appends an attribute to the message. */
static struct rtattr *put(struct nlmsghdr *h, int type, const void *data, int len)
{
	struct rtattr *a = (void *)((char *)h + h->nlmsg_len);

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	h->nlmsg_len += RTA_SPACE(len);
	return a;
}

/* set asks for a program on a device, -1 for none. */
static struct nlmsghdr *set(const char *dev, int prog)
{
	struct ifinfomsg i = { 0 };
	struct nlmsghdr *h = message(RTM_NEWLINK, 0, &i, sizeof(i));
	struct rtattr *xdp;

	put(h, IFLA_IFNAME, dev, strlen(dev) + 1);
	xdp = put(h, IFLA_XDP | NLA_F_NESTED, "", 0);
	put(h, IFLA_XDP_FD, &prog, sizeof(prog));
	xdp->rta_len += RTA_SPACE(sizeof(prog));
	return h;
}

static struct nlmsghdr *filter(const char *dev)
{
	int prog = load_tiny(BPF_PROG_TYPE_SCHED_CLS, TC_ACT_OK), direct = TCA_BPF_FLAG_ACT_DIRECT;
	struct tcmsg t = {
		.tcm_ifindex = if_nametoindex(dev),
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		.tcm_handle = 1,
		.tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_ALL)),
	};
	struct nlmsghdr *h = message(RTM_NEWTFILTER, NLM_F_CREATE, &t, sizeof(t));
	struct rtattr *options;

	put(h, TCA_KIND, "bpf", sizeof("bpf"));
	options = put(h, TCA_OPTIONS, "", 0);
	put(h, TCA_BPF_FD, &prog, sizeof(prog));
	put(h, TCA_BPF_NAME, "floor", sizeof("floor"));
	put(h, TCA_BPF_FLAGS, &direct, sizeof(direct));
	options->rta_len = (char *)h + h->nlmsg_len - (char *)options;
	return h;
}

/* land sends what waits and h, and returns the error of the first that is refused. */
static int land(int fd, struct nlmsghdr *h)
{
	struct { struct nlmsghdr h; struct nlmsgerr e; char rest[512]; } ack;

	h->nlmsg_flags |= NLM_F_ACK;
	used += NLMSG_ALIGN(h->nlmsg_len);
	if (send(fd, flight, used, 0) < 0 || recv(fd, &ack, sizeof(ack), 0) < 0)
		return -1;
	used = 0;
	return ack.e.error;
}

static int attach_many(int fd, const char *prefix, int n)
{
	int i, prog = load_tiny(BPF_PROG_TYPE_XDP, XDP_PASS);
	char name[IF_NAMESIZE];

	for (i = 0; i < n; i++) {
		struct nlmsghdr *h;

		snprintf(name, sizeof(name), "%s%d", prefix, i);
		h = set(name, prog);
		if (i == n - 1 || i % FLIGHT == FLIGHT - 1) {
			if (land(fd, h))
				return 2;
		} else {
			used += NLMSG_ALIGN(h->nlmsg_len);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct nlmsghdr *h;
	int fd;

	if (argc < 3)
		return 0;
	fd = must(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	if (argc > 3)
		return attach_many(fd, argv[2], atoi(argv[3]));
	if (!strcmp(argv[1], "attach"))
		h = set(argv[2], load_tiny(BPF_PROG_TYPE_XDP, XDP_PASS));
	else if (!strcmp(argv[1], "maps"))
		h = set(argv[2], load_maps());
	else if (!strcmp(argv[1], "filter"))
		h = filter(argv[2]);
	else
		h = set(argv[2], -1);
	return land(fd, h) ? 2 : 0;
}
