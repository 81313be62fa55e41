package attach_test

import (
	"context"
	"fmt"
	"log"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// A program goes before another on what eth0 receives, and stays as long as
// the pin of the link that holds it.
func ExampleTCX() {
	obj, err := elf.Open("foo.o")
	if err != nil {
		log.Fatal(err)
	}
	c, err := netlink.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	dev, err := c.Link("eth0")
	if err != nil {
		log.Fatal(err)
	}
	l, a, err := xdpload.Install(context.Background(), c, obj,
		load.Options{Select: elf.Selector{Type: ebpf.SchedCLS}},
		attach.TCX{Ifindex: dev.Index, Order: attach.Order{
			Anchor: attach.Before(attach.ProgramName("firewall")),
			Link:   "/sys/fs/bpf/foo",
		}})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	fmt.Printf("%s runs program %d at position %d\n", a.Hook(), a.Program.ID, a.Multi.Position)
}
