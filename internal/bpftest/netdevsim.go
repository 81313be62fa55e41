package bpftest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

const netdevsimBus = "/sys/bus/netdevsim"

// Netdevsim is the simulated network card that programs can be offloaded to.
var Netdevsim = Feature{Name: "netdevsim", Probe: func() error {
	_, err := os.Stat(netdevsimBus)
	return err
}}

// A Card is a netdevsim. Its devices are gone with the test.
type Card struct {
	ID      uint32          // no two of the machine have the same
	Devices []*netlink.Link // one for each port
	gone    bool
}

// NewCard makes a netdevsim with some ports in the namespace.
func (ns *Namespace) NewCard(ports int) (*Card, error) {
	card := &Card{ID: rand.Uint32() >> 1} // the kernel takes an int
	err := ns.do(func(c *netlink.Conn) error {
		before, err := deviceIndexes(c)
		if err != nil {
			return err
		}
		if err := os.WriteFile(netdevsimBus+"/new_device", fmt.Appendf(nil, "%d %d", card.ID, ports), 0); err != nil {
			return err
		}
		for l, err := range c.Links() {
			if err != nil {
				return err
			}
			if !slices.Contains(before, l.Index) {
				card.Devices = append(card.Devices, l)
			}
		}
		return nil
	})
	ns.t.Cleanup(func() {
		if err := card.Remove(); err != nil {
			ns.t.Error(err)
		}
	})
	return card, err
}

func (ns *Namespace) do(fn func(*netlink.Conn) error) error {
	c := ns.Conn()
	return netns.Do(ns.Name, func() error { return fn(c) })
}

func deviceIndexes(c *netlink.Conn) (all []int, err error) {
	for l, err := range c.Links() {
		if err != nil {
			return nil, err
		}
		all = append(all, l.Index)
	}
	return all, nil
}

// Remove takes the card out of the machine.
func (card *Card) Remove() error {
	if card.gone {
		return nil
	}
	card.gone = true
	return os.WriteFile(netdevsimBus+"/del_device", fmt.Appendf(nil, "%d", card.ID), 0)
}

// Unplug takes out one port, by its number from 0.
func (card *Card) Unplug(port string) error {
	return os.WriteFile(fmt.Sprintf("%s/devices/netdevsim%d/del_port", netdevsimBus, card.ID), []byte(port), 0)
}

// Set writes a file of the card's in debugfs, such as "bpf_bind_accept", or of
// a port's, "ports/0/bpf_map_accept" (drivers/net/netdevsim/bpf.c).
func (card *Card) Set(file, value string) error {
	const debugfs = "/sys/kernel/debug"
	dir := filepath.Join(debugfs, "netdevsim", fmt.Sprintf("netdevsim%d", card.ID))
	if _, err := os.Stat(dir); err != nil {
		if err := unix.Mount("debugfs", debugfs, "debugfs", 0, ""); err != nil { // in the tests' own mount namespace
			return os.NewSyscallError("mount", err)
		}
	}
	return os.WriteFile(filepath.Join(dir, file), []byte(value), 0)
}

// TCOffload turns a port's hw-tc-offload on or off, which is off at first.
func (card *Card) TCOffload(ns *Namespace, port int, on bool) error {
	return netns.Do(ns.Name, func() error { return sys.SetDeviceFeature(card.Devices[port].Name, "hw-tc-offload", on) })
}

// Open opens the namespace's file, which the caller closes.
func (ns *Namespace) Open() (*os.File, error) {
	return os.Open(filepath.Join(netns.Dir, ns.Name))
}

// DeviceBound is the way to tie an XDP program to a device that does not run it
// itself, so that it can ask the driver about packets.
var DeviceBound = Feature{Name: "programs bound to a device", Since: "6.3", Probe: func() error {
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "MIT", Ifindex: 1, Flags: 1 << 6, // BPF_F_XDP_DEV_BOUND_ONLY
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	})
	if errors.Is(err, unix.EOPNOTSUPP) { // lo cannot
		return nil
	}
	if err == nil {
		return p.Close()
	}
	return err
}}
