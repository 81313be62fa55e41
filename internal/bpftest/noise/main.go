// Noise is another user of BPF, for tests to run beside: until SIGINT or SIGTERM
// it makes and drops programs, maps, pins, XDP attachments, filters and tcx links,
// with names that the tests' own have, and opens everything that others have in
// the kernel. All of it is in namespaces that end with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/netlink"
)

const (
	isolated = "XDPLOAD_NOISE_ISOLATED"
	bpffs    = "/sys/fs/bpf"
	voices   = 4 // for each waits for the kernel most of the time
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "noise:", err)
		os.Exit(1)
	}
}

func run() error {
	if os.Getenv(isolated) == "" {
		return isolate()
	}
	for _, m := range []struct {
		source, target, fstype string
		flags                  uintptr
	}{{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE}, {"bpf", bpffs, "bpf", 0}} {
		if err := unix.Mount(m.source, m.target, m.fstype, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	var all sync.WaitGroup
	errs := make([]error, voices)
	for i := range voices {
		all.Go(func() { errs[i] = makeNoise(ctx, fmt.Sprint("v", i)) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// makeNoise makes noise on a device of its own until it is called off.
func makeNoise(ctx context.Context, name string) error {
	conn, err := netlink.Dial(nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := testdev.AddVeth(name, "to-"+name); err != nil {
		return err
	}
	dev, err := conn.Link(name)
	for ctx.Err() == nil && err == nil {
		err = round(&din{conn: conn, device: dev})
	}
	return err
}

// isolate starts the program anew, in a mount and a network namespace of its own.
func isolate() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("namespaces: %w", err)
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), isolated+"=1"))
}

// A din is what a round makes.
type din struct {
	conn     *netlink.Conn
	device   *netlink.Link
	xdp, cls *ebpf.Program
	table    *ebpf.Map
}

// round does each thing and undoes it.
func round(d *din) error {
	defer d.close()
	for _, step := range []func() error{d.load, d.pin, d.attachXDP, d.addFilter, d.attachTCX, lookAround} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (d *din) load() (err error) {
	d.table, err = ebpf.NewMap(&ebpf.MapSpec{Name: "shared", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return err
	}
	if d.xdp, err = d.program("xdp_pass", ebpf.XDP, 2); err != nil {
		return err
	}
	d.cls, err = d.program("ahead1", ebpf.SchedCLS, 0)
	return err
}

// program returns one that keeps the table.
func (d *din) program(name string, kind ebpf.ProgramType, verdict int32) (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: name, Type: kind, License: "MIT",
		Instructions: asm.Instructions{asm.LoadMapPtr(asm.R1, d.table.FD()), asm.Mov.Imm(asm.R0, verdict), asm.Return()},
	})
}

func (d *din) close() {
	for _, p := range []*ebpf.Program{d.xdp, d.cls} {
		_ = p.Close() // which may be nil
	}
	_ = d.table.Close()
}

func (d *din) pin() error {
	for name, fd := range map[string]int{"program": d.xdp.FD(), "map": d.table.FD()} {
		path := filepath.Join(bpffs, d.device.Name+"-"+name)
		if err := sys.Pin(fd, path); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

func (d *din) attachXDP() error {
	for _, fd := range []int{d.xdp.FD(), -1} {
		if err := d.conn.SetXDP(d.device.Index, netlink.XDP{FD: fd, Mode: netlink.XDPGeneric}); err != nil {
			return err
		}
	}
	return nil
}

func (d *din) addFilter() error {
	if err := d.conn.AddQdisc(netlink.Clsact(d.device.Index)); err != nil {
		return err
	}
	_, err := d.conn.AddFilter(&netlink.Filter{
		Ifindex: d.device.Index, Parent: netlink.Ingress, Protocol: netlink.ProtocolAll, Kind: "bpf",
		BPF: &netlink.BPFFilter{FD: d.cls.FD(), Name: "noise", Direct: true},
	})
	return errors.Join(err, d.conn.DeleteQdisc(netlink.Clsact(d.device.Index)))
}

func (d *din) attachTCX() error {
	if _, _, err := sys.QueryPrograms(d.device.Index, sys.TCXIngress); errors.Is(err, unix.EINVAL) {
		return nil // an older kernel
	}
	if err := sys.AttachProgram(d.device.Index, sys.TCXIngress, d.cls.FD(), 0, sys.Place{}); err != nil {
		return err
	}
	if err := sys.DetachProgram(d.device.Index, sys.TCXIngress, d.cls.FD(), 0); err != nil {
		return err
	}
	link, err := sys.CreateLink(d.device.Index, sys.TCXEgress, d.cls.FD(), sys.Place{})
	if err != nil {
		return err
	}
	path := filepath.Join(bpffs, d.device.Name+"-link")
	err = errors.Join(sys.Pin(link, path), lookAround(), os.Remove(path))
	return errors.Join(err, sys.DetachLink(link), sys.Close(link))
}

// lookAround opens what there is in the kernel, as tools do that list it.
func lookAround() error {
	for id, err := ebpf.ProgramGetNextID(0); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		if p, err := ebpf.NewProgramFromID(id); err == nil {
			_ = p.Close()
		}
	}
	for id, err := ebpf.MapGetNextID(0); err == nil; id, err = ebpf.MapGetNextID(id) {
		if m, err := ebpf.NewMapFromID(id); err == nil {
			_ = m.Close()
		}
	}
	for _, err := range sys.Links() {
		if err != nil {
			return err
		}
	}
	return nil
}
