package tcxcmd

import (
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// Netkit are the commands netkit attach, detach and show. show reads and runs the last.
func Netkit(show func(only string) (*grammar.Node, env.Request)) []env.Command {
	h := multiHook{
		command: "netkit",
		points:  [2]string{"primary", "peer"},
		help:    [2]string{"packets that the device sends to its peer", "packets that the peer sends"},
		make: func(ifindex int, second bool, o attach.Order) attach.Hook {
			return attach.Netkit{Ifindex: ifindex, Peer: second, Order: o}
		},
		exampleDevice: "nk0",
	}
	return multiCommands(h, `Attaches a tc classifier to a pair of netkit devices (Linux 6.7). DEV is the primary device of the pair, also for the programs of its peer: whoever has the peer in a namespace of its own cannot change them. A program that returns NETKIT_NEXT (-1) leaves the packet to the next, and the last to the device's policy; NETKIT_PASS (0), NETKIT_DROP (2) and NETKIT_REDIRECT (7) end it.`, show)
}
