package attach_test

import (
	"context"
	"fmt"
	"log"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
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
	foo := &xdpload.Object{Object: obj}
	defer foo.Close()
	a, err := xdpload.Attach(context.Background(), c, attach.Plan{
		Source: foo,
		Hook:   attach.TCX{Device: "eth0", Order: attach.Order{Anchor: attach.Before(attach.ProgramName("firewall"))}},
		Link:   "/sys/fs/bpf/foo",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s runs program %d at position %d\n", a.Hook(), a.Program.ID, a.Multi.Position)
}

// A program runs as long as this process does not close the link that holds it, and
// another takes its place.
func ExampleNewLink() {
	c, err := netlink.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	eth0 := attach.XDP{Device: "eth0"}
	var programs [2]*prog.Program
	for i := range programs {
		p, err := prog.OpenPinned(fmt.Sprint("/sys/fs/bpf/firewall", i), eth0.ProgramType())
		if err != nil {
			log.Fatal(err)
		}
		defer p.Close()
		programs[i] = p
	}
	l, err := attach.NewLink(c, programs[0], eth0)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	if err := l.Update(programs[1], programs[0]); err != nil {
		log.Fatal(err)
	}
}

func ExampleFilterName() {
	fmt.Println(attach.FilterName("/usr/lib/bpf/firewall.o", "classifier"))
	// Output: firewall.o:[classifier]
}

func ExampleAnchor() {
	for _, a := range []attach.Anchor{attach.First(), attach.Before(attach.ProgramName("firewall")), attach.Replace(attach.LinkID(7))} {
		fmt.Println(a)
	}
	// Output:
	// first
	// before name firewall
	// replace link 7
}
