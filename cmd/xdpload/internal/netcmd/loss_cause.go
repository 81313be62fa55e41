package netcmd

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// lossView is what reports on losses are made with. Devices are looked up anew each time:
// they are changed until nothing is lost any more.
type lossView struct {
	conn     *netlink.Conn
	netns    uint32
	programs attach.Inventory
}

func (v *lossView) report(l loss) *lossReport {
	r := &lossReport{Event: eventWords[l.Event], Ifindex: int(l.Ifindex), loss: l}
	device := v.link(l.Ifindex)
	if device != nil {
		r.Device = device.Name
		if l.Program == 0 && len(device.XDP.Programs) > 0 { // the tracepoint does not tell
			l.Program = device.XDP.Programs[0].ID
		}
	}
	if l.Program != 0 {
		p := v.programs.Program(l.Program)
		r.Program = subject.ReportProgram(&p)
	}
	if l.Event == lostException {
		r.Verdict = prog.Verdict{Type: ebpf.XDP, Value: uint32(l.Reason)}.String()
		r.Cause = verdictCause(uint32(l.Reason))
		return r
	}
	if l.Reason < 0 {
		errno := unix.Errno(-l.Reason)
		r.Errno, r.Message = env.Errno(errno), errno.Error()
	}
	v.target(r)
	r.Cause = v.cause(r)
	return r
}

// eventWords are what losses are called in JSON.
var eventWords = [...]string{
	lostException: "verdict", lostRedirect: "redirect", lostXmit: "transmit", lostTX: "tx", lostEnqueue: "cpu", lostKthread: "cpu",
}

// link is a device of the network namespace, nil if it has gone.
func (v *lossView) link(ifindex uint32) *netlink.Link {
	if ifindex == 0 {
		return nil
	}
	l, err := v.conn.LinkByIndex(int(ifindex))
	if err != nil {
		return nil
	}
	return l
}

// target finds out where the packets were to go.
func (v *lossView) target(r *lossReport) {
	l := r.loss
	ifindex := l.To
	if l.Map != 0 {
		r.Map = &lossMap{ID: l.Map, Index: l.To}
		ifindex = r.Map.look()
	}
	if ifindex == 0 || l.Event == lostTX {
		return
	}
	r.Target = &lossTarget{Ifindex: int(ifindex)}
	if l.Event == lostXmit && l.ToNetns != v.netns {
		return
	}
	if to := v.link(ifindex); to != nil {
		r.Target.Device = to.Name
	}
}

// look asks for the map, and returns the device of the entry, 0 for none.
func (m *lossMap) look() uint32 {
	of, err := ebpf.NewMapFromID(ebpf.MapID(m.ID))
	if err != nil {
		return 0 // it has gone, or is not to be looked at
	}
	defer of.Close()
	m.Type = kernelname.Map(of.Type())
	if info, err := of.Info(); err == nil {
		m.Name = info.Name
	}
	if of.Type() != ebpf.DevMap && of.Type() != ebpf.DevMapHash {
		return 0
	}
	value, err := of.LookupBytes(m.Index)
	if err != nil || len(value) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(value)
}

// verdictCause says what a verdict means that the kernel takes for an exception.
func verdictCause(verdict uint32) string {
	switch verdict {
	case 0:
		return "the program gave up, or bpf_redirect_map found no entry and was told nothing else to do"
	case 1, 2:
		return ""
	case 3, 4:
		return "the device could not do it"
	}
	return "that is no verdict of XDP"
}

// cause is what is known to lead to the error, "" for nothing. The error numbers are
// those of xdp_ok_fwd_dev and xdp_do_redirect in the kernel (include/linux/filter.h,
// net/core/filter.c), and of veth_xdp_xmit in drivers/net/veth.c.
func (v *lossView) cause(r *lossReport) string {
	l := r.loss
	switch l.Event {
	case lostEnqueue:
		return "its queue is full: a larger qsize, or a CPU with less to do"
	case lostKthread:
		return "no memory for socket buffers"
	case lostTX:
		return v.peerCause(v.link(l.Ifindex), unix.Errno(-l.Reason))
	default:
	}
	if r.Target == nil || r.Target.Device == "" {
		if l.Event == lostRedirect && l.Map == 0 && l.Reason == -int32(unix.EINVAL) {
			return "no device has that number in this network namespace"
		}
		return ""
	}
	return v.targetCause(v.link(uint32(r.Target.Ifindex)), unix.Errno(-l.Reason))
}

// targetCause is why a device takes no packets of XDP.
func (v *lossView) targetCause(to *netlink.Link, errno unix.Errno) string {
	switch {
	case to == nil:
		return "it has gone"
	case errno == unix.ENETDOWN:
		return downCause(to.Name, to.Name)
	case errno == unix.EMSGSIZE:
		return fmt.Sprintf("packets are larger than the MTU of %s, which is %d", to.Name, to.MTU)
	case errno == unix.ENOSPC || errno == 0:
		return "the queue of " + to.Name + " is full"
	case to.Kind == "veth":
		return v.peerCause(to, errno)
	case errno == unix.EOPNOTSUPP:
		return "the driver of " + to.Name + " takes no packets of XDP, or only with an XDP program on it"
	}
	return ""
}

// peerCause is why the other end of a veth pair takes none. Since Linux 6.3 the error is
// EOPNOTSUPP for want of a program, and ENXIO if the other end is down; before, it is ENXIO for
// both.
func (v *lossView) peerCause(l *netlink.Link, errno unix.Errno) string {
	if l == nil || l.Kind != "veth" {
		return ""
	}
	end := "the other end of " + l.Name
	if l.PeerNetNSID == nil {
		peer := v.link(uint32(l.PeerIndex))
		switch {
		case peer == nil:
			return ""
		case !peer.Flags.Up() && errno != unix.EOPNOTSUPP:
			return downCause(peer.Name, peer.Name+", "+end+",")
		case peer.XDP.Attached():
			return ""
		}
		end = peer.Name + ", " + end + ","
	}
	return end + " takes packets of XDP only with an XDP program on it, which may let all pass, or with GRO"
}

func downCause(device, as string) string {
	return as + " is down: " + render.Shell("ip", "link", "set", device, "up")
}
