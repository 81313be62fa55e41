// SPDX-License-Identifier: MIT
/*
 * The floor: what the kernel takes to attach, swap and detach an XDP program of
 * two instructions, and nothing else. No object is read, nothing is looked up,
 * and whatever goes wrong is a status.
 *
 *	floor version | floor attach DEV | floor off DEV
 */
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int load(void)
{
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insn_cnt = 2,
		.insns = (__u64)(unsigned long)code,
		.license = (__u64)(unsigned long)"GPL",
		.prog_name = "floor",
	};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
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

/* set attaches the program, -1 for none. It returns 0 or a negative errno. */
static int set(const char *dev, int prog)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
		char attrs[128];
	} req = { .h = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
		.nlmsg_type = RTM_NEWLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	} };
	struct { struct nlmsghdr h; struct nlmsgerr e; char rest[512]; } ack;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct rtattr *xdp;

	put(&req.h, IFLA_IFNAME, dev, strlen(dev) + 1);
	xdp = put(&req.h, IFLA_XDP | NLA_F_NESTED, "", 0);
	put(&req.h, IFLA_XDP_FD, &prog, sizeof(prog));
	xdp->rta_len += RTA_SPACE(sizeof(prog));
	if (send(fd, &req, req.h.nlmsg_len, 0) < 0 || recv(fd, &ack, sizeof(ack), 0) < 0)
		return -1;
	return ack.e.error;
}

int main(int argc, char **argv)
{
	int prog = -1;

	if (argc < 3)
		return 0;
	if (!strcmp(argv[1], "attach") && (prog = load()) < 0)
		return 2;
	return set(argv[2], prog) ? 2 : 0;
}
