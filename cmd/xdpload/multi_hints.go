package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
)

// multiHints are the ways out of what tcx, netkit and bpf_links refuse.
func multiHints(err error) []string {
	device := "DEV"
	if x, ok := errors.AsType[*linkError](err); ok {
		device = x.Device
	}
	if x, ok := errors.AsType[*xdpload.AnchorError](err); ok {
		return anchorHints(x, device)
	}
	path, _ := errors.AsType[*os.PathError](err)
	if errors.Is(err, xdpload.ErrLinkDetached) && path != nil {
		return []string{"xdpload pin rm " + path.Path + ", then attach anew"}
	}
	if path != nil && path.Op == "pin link" && errors.Is(err, os.ErrExist) {
		return []string{"-force updates the bpf_link that is pinned there", "xdpload pin rm " + path.Path + " lets go of what is"}
	}
	x, ok := errors.AsType[*xdpload.HookError](err)
	if !ok {
		return nil
	}
	kind, point, _ := strings.Cut(x.Hook, "/")
	switch {
	case x.Since != "" && kind == "tcx":
		return []string{fmt.Sprintf("the filter that does the same: xdpload tc filter add dev %s %s bpf direct-action obj FILE", device, point)}
	case x.Since != "":
		return []string{"tc filters of a veth pair do what netkit does, on each device in its own namespace: xdpload tc filter add dev DEV egress bpf direct-action obj FILE"}
	case errors.Is(err, unix.ESTALE):
		return []string{fmt.Sprintf("xdpload %s show dev %s shows the programs and the revision", kind, device)}
	case errors.Is(err, unix.EBUSY) && kind == "xdp":
		return []string{fmt.Sprintf("detach it first: xdpload link set dev %s xdp off", device)}
	}
	return nil
}

func anchorHints(x *xdpload.AnchorError, device string) []string {
	kind, _, ok := strings.Cut(x.Hook, "/")
	switch {
	case !ok:
		return []string{"xdpload link show dev " + device}
	case !x.Missing && len(x.Attachments) > 0:
		return []string{fmt.Sprintf("choose one by its id: id %d", x.Attachments[0].Program.ID)}
	case strings.HasPrefix(x.Ref.String(), "the only"):
		return []string{fmt.Sprintf("xdpload %s show dev %s", kind, device)}
	}
	return []string{fmt.Sprintf("xdpload %s show dev %s, or if-exists to detach", kind, device)}
}
