package netlink

import (
	"encoding/binary"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/testdev"
)

// TestKernelWarning: what the kernel says of a class that it makes all the same is what tc
// prints.
func TestKernelWarning(t *testing.T) {
	inNetNS(t)
	need.Of(t, need.Command("tc"))
	var got []Warning
	c := dialT(t, &Config{Warn: func(w Warning) { got = append(got, w) }})
	if err := testdev.AddVeth("va", "vb"); err != nil {
		t.Fatal(err)
	}
	dev := linkT(t, c, "va").Index
	var said string
	need.Of(t, need.Feature{Name: "a kernel that warns of the quantum of an htb class", Probe: func() error {
		out, err := exec.Command("sh", "-c", "tc qdisc add dev va root handle 1: htb && tc class add dev va parent 1: classid 1:1 htb rate 1kbit").CombinedOutput()
		warning, ok := strings.CutPrefix(strings.TrimSpace(string(out)), "Warning: ")
		if said = warning; err == nil && !ok {
			err = errors.New(string(out))
		}
		return err
	}})
	if err := c.change(htbClass(dev, MakeHandle(1, 2))); err != nil {
		t.Fatal(err)
	}
	want := Warning{Op: "add class", Ifindex: dev, Message: strings.Replace(said, "10001", "10002", 1)}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// htbClass asks for a class of 1 kbit/s.
func htbClass(dev int, class Handle) request {
	r := tcRequest("add class", unix.RTM_NEWTCLASS, netlink.Create, tcmsg{
		ifindex: int32(dev), handle: uint32(class), parent: uint32(MakeHandle(1, 0)),
	})
	r.string(unix.TCA_KIND, "htb")
	r.nest(unix.TCA_OPTIONS, func() {
		const rateAt, ceilAt = 8, 20 // bytes per second in struct tc_htb_opt, linux/pkt_sched.h
		var opt [44]byte
		binary.NativeEndian.PutUint32(opt[rateAt:], 125)
		binary.NativeEndian.PutUint32(opt[ceilAt:], 125)
		r.bytes(1, opt[:]) // TCA_HTB_PARMS
	})
	return r
}
