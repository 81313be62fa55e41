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
)

// Load a program, pin what its object asks for, and attach it to a device.
func ExampleInstall() {
	conn, err := netlink.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	dev, err := conn.Link("eth0")
	if err != nil {
		log.Fatal(err)
	}
	obj, err := elf.Open("firewall.o")
	if err != nil {
		log.Fatal(err)
	}
	loaded, attachment, err := xdpload.Install(context.Background(), conn, obj, load.Options{
		Select:    elf.Selector{Section: "xdp"},
		Variables: []load.Variable{{Name: "config.limit", Value: "1000"}},
	}, attach.XDP{Ifindex: dev.Index, Replace: true})
	if err != nil {
		log.Fatal(err)
	}
	defer loaded.Close()
	fmt.Println(attachment.Device, attachment.Mode, loaded.Program().ID)
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
	var plans []attach.Plan
	for dev, err := range conn.Links() {
		if err != nil {
			log.Fatal(err)
		}
		if dev.Kind == "veth" {
			plans = append(plans, attach.Plan{Source: firewall, Hook: attach.XDP{Ifindex: dev.Index, Replace: true}})
		}
	}
	outcomes, err := attach.Apply(context.Background(), conn, plans, attach.Options{Atomic: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range outcomes {
		fmt.Println(o.Device, o.Changed(), o.Err)
	}
}
