package netlink

// What golang.org/x/sys/unix v0.49 lacks, under the names of the kernel
// headers. The leading underscore keeps them private, as in the Go runtime.

// linux/if_link.h
const (
	_XDP_ATTACHED_DRV   = 1
	_XDP_ATTACHED_SKB   = 2
	_XDP_ATTACHED_HW    = 3
	_XDP_ATTACHED_MULTI = 4

	_IFLA_NETNS_IMMUTABLE = 67

	_IFLA_NETKIT_SCRUB      = 6
	_IFLA_NETKIT_PEER_SCRUB = 7
	_IFLA_NETKIT_HEADROOM   = 8
	_IFLA_NETKIT_TAILROOM   = 9
	_IFLA_NETKIT_PAIRING    = 10

	_NETKIT_SCRUB_NONE    = 0
	_NETKIT_SCRUB_DEFAULT = 1
	_NETKIT_DEVICE_SINGLE = 1
)

// linux/rtnetlink.h
const (
	_RTEXT_FILTER_SKIP_STATS = 1 << 3
)

// include/linux/errno.h: not for user space, yet drivers leak it.
const _ENOTSUPP = 524

// linux/rtnetlink.h
const (
	_TCM_IFINDEX_MAGIC_BLOCK = -1

	_TCA_FLAG_LARGE_DUMP_ON = 1 << 0
)

// linux/pkt_sched.h
const (
	_TC_H_ROOT        = 0xffffffff
	_TC_H_CLSACT      = 0xfffffff1 // also TC_H_INGRESS
	_TC_H_MIN_INGRESS = 0xfff2
	_TC_H_MIN_EGRESS  = 0xfff3

	_TC_LINKLAYER_ETHERNET = 1
	_TC_LINKLAYER_ATM      = 2
)

// linux/gen_stats.h
const (
	_TCA_STATS_BASIC = 1
	_TCA_STATS_QUEUE = 3
	_TCA_STATS_PKT64 = 8
)

// linux/pkt_cls.h
const (
	_TCA_BPF_ACT       = 1
	_TCA_BPF_POLICE    = 2
	_TCA_BPF_CLASSID   = 3
	_TCA_BPF_OPS_LEN   = 4
	_TCA_BPF_OPS       = 5
	_TCA_BPF_FD        = 6
	_TCA_BPF_NAME      = 7
	_TCA_BPF_FLAGS     = 8
	_TCA_BPF_FLAGS_GEN = 9
	_TCA_BPF_TAG       = 10
	_TCA_BPF_ID        = 11

	_TCA_BPF_FLAG_ACT_DIRECT = 1 << 0

	_TCA_CLS_FLAGS_SKIP_HW   = 1 << 0
	_TCA_CLS_FLAGS_SKIP_SW   = 1 << 1
	_TCA_CLS_FLAGS_IN_HW     = 1 << 2
	_TCA_CLS_FLAGS_NOT_IN_HW = 1 << 3

	_TCA_ACT_KIND          = 1
	_TCA_ACT_OPTIONS       = 2
	_TCA_ACT_INDEX         = 3
	_TCA_ACT_STATS         = 4
	_TCA_ACT_COOKIE        = 6
	_TCA_ACT_HW_STATS      = 8
	_TCA_ACT_USED_HW_STATS = 9
	_TCA_ACT_FLAGS         = 7
	_TCA_ACT_IN_HW_COUNT   = 10

	_TCA_ACT_FLAGS_NO_PERCPU_STATS = 1 << 0
	_TCA_ACT_FLAGS_SKIP_HW         = 1 << 1
	_TCA_ACT_FLAGS_SKIP_SW         = 1 << 2

	_TCA_ACT_HW_STATS_IMMEDIATE = 1 << 0
	_TCA_ACT_HW_STATS_DELAYED   = 1 << 1

	_TC_ACT_UNSPEC       = -1
	_TC_ACT_OK           = 0
	_TC_ACT_RECLASSIFY   = 1
	_TC_ACT_SHOT         = 2
	_TC_ACT_PIPE         = 3
	_TC_ACT_STOLEN       = 4
	_TC_ACT_TRAP         = 8
	_TC_ACT_JUMP         = 1 << 28
	_TC_ACT_GOTO_CHAIN   = 2 << 28
	_TC_ACT_EXT_VAL_MASK = 1<<28 - 1

	_TCA_POLICE_TBF        = 1
	_TCA_POLICE_RATE       = 2
	_TCA_POLICE_PEAKRATE   = 3
	_TCA_POLICE_AVRATE     = 4
	_TCA_POLICE_RESULT     = 5
	_TCA_POLICE_TM         = 6
	_TCA_POLICE_RATE64     = 8
	_TCA_POLICE_PEAKRATE64 = 9
	_TCA_POLICE_PKTRATE64  = 10
	_TCA_POLICE_PKTBURST64 = 11
)

// linux/tc_act/tc_gact.h
const (
	_TCA_GACT_TM    = 1
	_TCA_GACT_PARMS = 2
	_TCA_GACT_PROB  = 3

	_PGACT_NETRAND = 1
	_PGACT_DETERM  = 2
)

// linux/tc_act/tc_mirred.h
const (
	_TCA_MIRRED_TM      = 1
	_TCA_MIRRED_PARMS   = 2
	_TCA_MIRRED_BLOCKID = 4

	_TCA_EGRESS_REDIR   = 1
	_TCA_EGRESS_MIRROR  = 2
	_TCA_INGRESS_REDIR  = 3
	_TCA_INGRESS_MIRROR = 4
)

// linux/tc_act/tc_bpf.h
const (
	_TCA_ACT_BPF_TM      = 1
	_TCA_ACT_BPF_PARMS   = 2
	_TCA_ACT_BPF_OPS_LEN = 3
	_TCA_ACT_BPF_OPS     = 4
	_TCA_ACT_BPF_FD      = 5
	_TCA_ACT_BPF_NAME    = 6
	_TCA_ACT_BPF_TAG     = 8
	_TCA_ACT_BPF_ID      = 9
)

// linux/netdev.h
const (
	_NETDEV_CMD_DEV_GET = 1

	_NETDEV_A_DEV_IFINDEX                  = 1
	_NETDEV_A_DEV_XDP_FEATURES             = 3
	_NETDEV_A_DEV_XDP_ZC_MAX_SEGS          = 4
	_NETDEV_A_DEV_XDP_RX_METADATA_FEATURES = 5
	_NETDEV_A_DEV_XSK_FEATURES             = 6
)
