package tcxcmd

import (
	"fmt"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// multiCommands are attach, detach and show of a kind of hook.
func multiCommands(h multiHook, about string, show func(only string) (*grammar.Node, env.Request)) []env.Command {
	line := func(grammarOf func(*multiRequest) *grammar.Node, run func(*multiRequest) env.Request) func() (*grammar.Node, env.Request) {
		return func() (*grammar.Node, env.Request) {
			r := &multiRequest{multiHook: h}
			return grammarOf(r), run(r)
		}
	}
	example := func(format, help string) grammar.Example {
		return grammar.Example{Line: fmt.Sprintf("xdpload "+format, h.command, h.exampleDevice, h.points[0]), Help: help}
	}
	return []env.Command{
		{
			Name:    h.command + " attach",
			Options: "replace idempotent",
			Summary: fmt.Sprintf("attach a program to a %s hook, in its place among the others", h.command),
			Description: about + `

A hook has room for 64 programs, each once. Without "link" the program itself is attached, and stays until it is detached; with it, a bpf_link holds the program until the pin of that link is removed. Nothing is attached, pinned or left loaded when any step fails.

With -idempotent nothing changes if the hook has a program with the same instructions and the same maps, in the place that is asked for.`,
			Examples: []grammar.Example{
				example("%s attach dev %s %s obj foo.o", "attach the only classifier of foo.o after all others"),
				example("%s attach dev %s %s obj foo.o before name count", "attach it right before the program called count"),
				example("%s attach dev %s %s obj foo.o link /sys/fs/bpf/foo", "attach it by a bpf_link, until that pin is removed"),
				example("%s attach dev %s %s obj new.o replace pinned /sys/fs/bpf/foo", "have that bpf_link hold another program"),
			},
			New: line((*multiRequest).attachGrammar, func(r *multiRequest) env.Request { return &multiAttachRequest{r} }),
		},
		{
			Name:        h.command + " detach",
			Summary:     fmt.Sprintf("detach a program from a %s hook", h.command),
			Description: `Takes one program off, and leaves the others. What a bpf_link holds is detached by naming that link: it holds nothing from then on, and its pin stays but has no effect. Removing the pin detaches the program too.`,
			Examples: []grammar.Example{
				example("%s detach dev %s %s name count", "detach the program called count"),
				example("%s detach dev %s %s obj foo.o", "detach what was attached from foo.o, by the program's name"),
				example("%s detach dev %s %s id 7 if-exists", "detach program 7, if it is there"),
			},
			New: line((*multiRequest).detachGrammar, func(r *multiRequest) env.Request { return env.Runner(r.runDetach) }),
		},
		{
			Name:        h.command + " show|list|lst",
			Default:     true,
			Options:     "details statistics brief",
			Summary:     fmt.Sprintf("show the programs on %s hooks in the order in which they run", h.command),
			Description: `Shows them for every device of the network namespace, or for one, as "net show" does, with the position of each and the revision of the hook.`,
			Examples:    []grammar.Example{{Line: fmt.Sprintf("xdpload -json %s show dev %s", h.command, h.exampleDevice), Help: "one device, for a script"}},
			New:         func() (*grammar.Node, env.Request) { return show(h.command + "/") },
		},
	}
}

// TCX are the commands tcx attach, detach and show. show reads and runs the last.
func TCX(show func(only string) (*grammar.Node, env.Request)) []env.Command {
	h := multiHook{
		command: "tcx",
		points:  [2]string{"ingress", "egress"},
		help:    [2]string{"packets that the device receives", "packets that it sends"},
		make: func(ifindex int, second bool, o attach.Order) attach.Hook {
			return attach.TCX{Ifindex: ifindex, Egress: second, Order: o}
		},
		exampleDevice: "eth0",
	}
	return multiCommands(h, `Attaches a tc classifier to the device's tcx hook (Linux 6.6). Its programs run in order, before the filters of a clsact qdisc. One that returns TCX_NEXT (-1) leaves the packet to the next; TCX_PASS (0), TCX_DROP (2) and TCX_REDIRECT (7) end it.`, show)
}

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
