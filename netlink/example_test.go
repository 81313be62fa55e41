package netlink_test

import (
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/xdpload/xdpload/netlink"
)

func ExampleConn_SetXDP() {
	c, err := netlink.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	eth0, err := c.Link("eth0")
	if err != nil {
		log.Fatal(err)
	}
	program := 7 // the file descriptor of an XDP program that was loaded
	err = c.SetXDP(eth0.Index, netlink.XDP{FD: program, Mode: netlink.XDPNative, NoReplace: true})
	switch {
	case errors.Is(err, os.ErrExist):
		fmt.Println("another program is attached:", eth0.XDP.Programs)
	case errors.Is(err, errors.ErrUnsupported):
		fmt.Println("the driver has no native mode:", err)
	case err != nil:
		log.Fatal(err)
	}
}

func ExampleConn_Links() {
	c, err := netlink.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for l, err := range c.Links() {
		if err != nil {
			log.Fatal(err)
		}
		for _, p := range l.XDP.Programs {
			fmt.Printf("%s: %s program %d\n", l.Name, p.Mode, p.ID)
		}
	}
}

func ExampleConn_AddFilter() {
	c, err := netlink.Dial(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	eth0, err := c.Link("eth0")
	if err != nil {
		log.Fatal(err)
	}
	if err := c.AddQdisc(netlink.Clsact(eth0.Index)); err != nil && !errors.Is(err, os.ErrExist) {
		log.Fatal(err)
	}
	program := 7 // the file descriptor of a classifier that was loaded
	f, err := c.AddFilter(&netlink.Filter{
		Ifindex:  eth0.Index,
		Parent:   netlink.Ingress,
		Protocol: netlink.ProtocolAll,
		Kind:     "bpf",
		BPF:      &netlink.BPFFilter{FD: program, Name: "foo.o:[classifier]", Direct: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("pref %d handle %#x\n", f.Pref, f.Handle)
}

func ExampleXDPMode() {
	var m netlink.XDPMode
	for _, word := range []string{"xdp", "xdpdrv", "generic"} {
		if err := m.UnmarshalText([]byte(word)); err != nil {
			log.Fatal(err)
		}
		fmt.Println(m, m.Keyword())
	}
	// Output:
	// any xdp
	// native xdpdrv
	// generic xdpgeneric
}
