package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/netlink"
)

// pins is where the peers look for a BPF file system.
const pins = "/sys/fs/bpf"

// A world is the network namespace of one case, with what its setup and resets
// work with.
type world struct {
	*netlink.Conn
	dir        string        // of the lab
	program    *ebpf.Program // of type XDP
	classifier *ebpf.Program // of type SCHED_CLS
	fillers    int           // how many devices fillDispatcher made
	device     int           // the index of the device that is worked on
}

func newWorld(dir string) (w *world, err error) {
	w = &world{dir: dir}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.program, err = passing(ebpf.XDP, 2); err != nil {
		return nil, err
	}
	if w.classifier, err = passing(ebpf.SchedCLS, 0); err != nil {
		return nil, err
	}
	w.Conn, err = netlink.Dial(nil)
	return w, err
}

// passing loads a program that returns a verdict.
func passing(t ebpf.ProgramType, verdict int32) (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         t,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, verdict), asm.Return()},
		License:      "MIT",
	})
}

func (w *world) close() {
	w.program.Close()
	w.classifier.Close()
	if w.Conn != nil {
		w.Close()
	}
}

// oneDevice makes the device v0, which is up and has a peer that is too.
func oneDevice(w *world) error { return w.pair("v0", "v1", true) }

// idleDevice makes v0, which is down.
func idleDevice(w *world) error { return w.pair("v0", "v1", false) }

// dispatcherSlots is BPF_DISPATCHER_MAX of include/linux/bpf.h.
const dispatcherSlots = 48

// fillDispatcher has the programs of n devices more take the free slots of the
// kernel's XDP dispatcher (kernel/bpf/dispatcher.c), in all namespaces. To
// attach, swap or detach a program that has a slot rewrites that code and waits
// for an RCU grace period, which is some milliseconds; without a slot there is
// no wait, and what is left is work.
func fillDispatcher(w *world, n int) error {
	for range n {
		w.fillers++
		l, err := w.addVeth(fmt.Sprint("d", w.fillers), fmt.Sprint("e", w.fillers))
		if err != nil {
			return err
		}
		p, err := passing(ebpf.XDP, 2)
		if err != nil {
			return err
		}
		err = w.SetXDP(l.Index, netlink.XDP{FD: p.FD()})
		if err := errors.Join(err, p.Close()); err != nil { // the device holds the program
			return err
		}
	}
	return nil
}

// addVeth makes a pair of devices and returns the first.
func (w *world) addVeth(a, b string) (*netlink.Link, error) {
	if err := testdev.AddVeth(a, b); err != nil {
		return nil, err
	}
	return w.Link(a)
}

func (w *world) pair(a, b string, up bool) error {
	l, err := w.addVeth(a, b)
	if err != nil {
		return err
	}
	w.device = l.Index
	if !up {
		return nil
	}
	return errors.Join(testdev.SetUp(l.Index), testdev.SetUp(l.PeerIndex))
}

// manyDevices makes v0 to v999.
func manyDevices(w *world) error {
	for i := 0; i < lines; i += 2 {
		if err := testdev.AddVeth(fmt.Sprint("v", i), fmt.Sprint("v", i+1)); err != nil {
			return err
		}
	}
	return nil
}

// attached has setup's device run a program.
func attached(setup func(*world) error) func(*world) error {
	return func(w *world) error { return errors.Join(setup(w), attach(w)) }
}

func attach(w *world) error {
	return w.SetXDP(w.device, netlink.XDP{FD: w.program.FD()})
}

func detach(w *world) error {
	return w.SetXDP(w.device, netlink.XDP{FD: -1})
}

// detachAll detaches from every device.
func detachAll(w *world) error {
	var all []netlink.DeviceXDP
	for l, err := range w.Links() {
		if err != nil {
			return err
		}
		if len(l.XDP.Programs) > 0 {
			all = append(all, netlink.DeviceXDP{Ifindex: l.Index, XDP: netlink.XDP{FD: -1}})
		}
	}
	return errors.Join(w.SetXDPs(context.Background(), all)...)
}

// unpin removes what was pinned.
func unpin(*world) error {
	found, err := filepath.Glob(filepath.Join(pins, "*"))
	for _, path := range found {
		if filepath.Ext(path) != ".debug" { // the kernel's own
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}
