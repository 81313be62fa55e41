package netlink

// What golang.org/x/sys/unix v0.49 lacks, under the names of the kernel
// headers. The leading underscore keeps them private, as in the Go runtime.

// linux/if_link.h
const (
	_XDP_ATTACHED_DRV   = 1
	_XDP_ATTACHED_SKB   = 2
	_XDP_ATTACHED_HW    = 3
	_XDP_ATTACHED_MULTI = 4
)

// linux/rtnetlink.h
const (
	_RTEXT_FILTER_SKIP_STATS = 1 << 3
)

// linux/netlink.h, of struct nlmsgerr's attributes
const (
	_NLMSGERR_ATTR_MSG = 1
)

// include/linux/errno.h: not for user space, yet drivers leak it.
const _ENOTSUPP = 524
