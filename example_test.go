package xdpload_test

import (
	"context"
	"fmt"
	"log"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// Load a program, pin what its object asks for, and attach it to a device.
func ExampleAttach() {
	conn, err := netlink.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	obj, err := elf.Open("firewall.o")
	if err != nil {
		log.Fatal(err)
	}
	firewall := &xdpload.Object{Object: obj, Options: load.Options{
		Variables: []load.Variable{{Name: "config.limit", Value: "1000"}},
	}}
	defer firewall.Close()
	a, err := xdpload.Attach(context.Background(), conn, xdpload.Plan{
		Source: firewall,
		Hook:   attach.XDP{Device: "eth0"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Device, a.Mode, a.Program.ID)
}

// Put a program in the place of the one that a device runs, compared and swapped.
func ExampleAttach_swap() {
	conn, err := netlink.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	eth0 := attach.XDP{Device: "eth0"}
	next, err := prog.OpenPinned("/sys/fs/bpf/next", eth0.ProgramType())
	if err != nil {
		log.Fatal(err)
	}
	defer next.Close()
	a, err := xdpload.Attach(context.Background(), conn, xdpload.Plan{
		Source: xdpload.Open(next), Hook: eth0, Replace: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	if a.Replaced != nil {
		fmt.Println(a.Program.ID, "runs in the place of", a.Replaced.ID)
	}
}

// Attach one program to every veth, or to none.
func ExampleApply() {
	conn, err := netlink.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	obj, err := elf.Open("firewall.o")
	if err != nil {
		log.Fatal(err)
	}
	firewall := &xdpload.Object{Object: obj}
	defer firewall.Close()
	var plans []xdpload.Plan
	for dev, err := range conn.Links() {
		if err != nil {
			log.Fatal(err)
		}
		if dev.Kind == "veth" {
			plans = append(plans, xdpload.Plan{Source: firewall, Hook: attach.XDP{Ifindex: dev.Index}, Replace: true})
		}
	}
	outcomes, err := xdpload.Apply(context.Background(), conn, plans, xdpload.Options{Atomic: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range outcomes {
		fmt.Println(o.Device, o.Changed(), o.Err)
	}
}

// Read a map of a program that was loaded.
func ExampleObject_Loaded() {
	obj, err := elf.Open("firewall.o")
	if err != nil {
		log.Fatal(err)
	}
	firewall := &xdpload.Object{Object: obj}
	defer firewall.Close()
	if err := firewall.Load(context.Background()); err != nil {
		log.Fatal(err)
	}
	var key uint32
	var perCPU []uint64
	drops := firewall.Loaded().Map("drops").Iterate() // as every *ebpf.Map
	for drops.Next(&key, &perCPU) {
		fmt.Println(key, perCPU)
	}
	if err := drops.Err(); err != nil {
		log.Fatal(err)
	}
}
