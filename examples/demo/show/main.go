// Command show is the demonstration that the command demo prepares: in a directory
// with foo.o and bar.o it is given the path of xdpload.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/netlink"
)

// device is what xdpload works on; packets come in from its peer.
const (
	device = "eth0"
	peer   = "peer0"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: show PATH-OF-XDPLOAD")
		os.Exit(1)
	}
	if err := show(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// show stays on one thread, which is the one in the new namespace; commands
// that it starts are in it too.
func show(xdpload string) error {
	runtime.LockOSThread()
	d, err := newDemonstration(xdpload)
	if err != nil {
		return err
	}
	for _, step := range []func() error{d.attach, d.count, d.show, d.swap, d.detach} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

type demonstration struct {
	xdpload string
	send    *sender
	foo     *counter
}

func newDemonstration(xdpload string) (*demonstration, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("new network namespace: %w", err)
	}
	index, err := devices()
	if err != nil {
		return nil, err
	}
	say("a network namespace of its own, with %s and, at the other end of the cable, %s", device, peer)
	s, err := newSender(index)
	return &demonstration{xdpload: xdpload, send: s}, err
}

// devices makes the pair, and returns the index of the peer.
func devices() (int, error) {
	c, err := netlink.Dial(nil)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := testdev.AddVeth(device, peer); err != nil {
		return 0, err
	}
	index := 0
	for _, name := range []string{device, peer} {
		l, err := c.Link(name)
		if err != nil {
			return 0, err
		}
		if err := testdev.SetUp(l.Index); err != nil {
			return 0, err
		}
		index = l.Index
	}
	return index, nil
}

func (d *demonstration) attach() (err error) {
	d.foo, err = d.load("link", "set", "dev", device, "xdp", "obj", "foo.o")
	return err
}

func (d *demonstration) count() error {
	const n = 1000
	before, err := d.foo.value()
	if err != nil {
		return err
	}
	if err := d.send.burst(n); err != nil {
		return err
	}
	after, err := reach(before+n, d.foo)
	say("foo.o had counted %d packets; %s sent %d; now it has counted %d", before, peer, n, after)
	return err
}

func (d *demonstration) show() error {
	return d.run("link", "show", "dev", device)
}

// swap has foo.o, which passes packets, replaced by bar.o, which drops them,
// while packets come in: thousands before, and thousands after.
func (d *demonstration) swap() error {
	const thousands = 5000
	defer d.foo.Close()
	say("%s sends packets without a pause, and bar.o takes the place of foo.o", peer)
	before, err := d.foo.value()
	if err != nil {
		return err
	}
	stop := d.send.stream()
	if _, err := reach(before+thousands, d.foo); err != nil {
		return err
	}
	bar, err := d.load("-force", "link", "set", "dev", device, "xdp", "obj", "bar.o")
	if err != nil {
		return err
	}
	defer bar.Close()
	if _, err := reach(thousands, bar); err != nil {
		return err
	}
	sent, err := stop()
	if err != nil {
		return err
	}
	return d.account(sent, before, bar)
}

// account says which program met the packets that were sent during the swap.
func (d *demonstration) account(sent, before int, bar *counter) error {
	_, unreached := reach(before+sent, d.foo, bar)
	byFoo, err := d.foo.value()
	if err != nil {
		return err
	}
	byBar, err := bar.value()
	if err != nil {
		return err
	}
	byFoo -= before
	say("%d packets were sent: foo.o counted %d, bar.o counted %d, and %d met neither", sent, byFoo, byBar, sent-byFoo-byBar)
	return unreached
}

func (d *demonstration) detach() error {
	if err := d.run("link", "set", "dev", device, "xdp", "off"); err != nil {
		return err
	}
	return d.run("-brief", "link", "show", "dev", device)
}

// load runs xdpload twice over: what it prints is for the reader, and the id
// of the counter is looked up behind.
func (d *demonstration) load(args ...string) (*counter, error) {
	if err := d.run(args...); err != nil {
		return nil, err
	}
	out, err := exec.Command(d.xdpload, "-json", "link", "show", "dev", device).Output()
	if err != nil {
		return nil, err
	}
	var links []struct {
		XDP struct {
			Prog struct {
				MapIDs []ebpf.MapID `json:"map_ids"`
			}
		}
	}
	if err := json.Unmarshal(out, &links); err != nil {
		return nil, err
	}
	if len(links) != 1 || len(links[0].XDP.Prog.MapIDs) != 1 {
		return nil, fmt.Errorf("not one program with one map: %s", out)
	}
	m, err := ebpf.NewMapFromID(links[0].XDP.Prog.MapIDs[0])
	return &counter{m}, err
}

func (d *demonstration) run(args ...string) error {
	fmt.Printf("\n$ xdpload %s\n", strings.Join(args, " "))
	cmd := exec.Command(d.xdpload, args...)
	var errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = os.Stdout, &errors
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s%w", errors.String(), err)
	}
	return nil
}

func say(format string, args ...any) {
	fmt.Printf("# "+format+"\n", args...)
}
