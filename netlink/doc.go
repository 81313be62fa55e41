// Package netlink speaks the rtnetlink and netdev generic netlink messages
// that attach, detach and list BPF programs on network devices.
//
// A [Conn] is one socket with extended acknowledgements on, so that every
// refusal carries the kernel's own sentence in an [*Error]. Requests are
// encoded as iproute2 encodes them, byte for byte where it matters; replies are
// decoded with unknown attributes ignored and unknown enumeration values kept
// as numbers, so that a newer kernel is never an error.
//
// tcx and netkit programs are attached through bpf(2), not netlink, and have no
// place here.
package netlink
