package tcxcmd

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
)

// MultiHints are the ways out of what tcx, netkit and bpf_links refuse.
func MultiHints(err error) []string {
	device := "DEV"
	if x, ok := errors.AsType[*env.LinkError](err); ok {
		device = x.Device
	}
	if x, ok := errors.AsType[*attach.AnchorError](err); ok {
		return anchorHints(err, x, device)
	}
	path, _ := errors.AsType[*os.PathError](err)
	if errors.Is(err, attach.ErrLinkDetached) && path != nil {
		return []string{"xdpload pin rm " + path.Path + ", then attach again"}
	}
	if path != nil && errors.Is(err, attach.ErrNotLink) {
		return []string{"choose another path, or xdpload pin rm " + path.Path}
	}
	if path != nil && path.Op == "pin link" && errors.Is(err, os.ErrExist) {
		return []string{"-force updates the bpf_link that is pinned there", "xdpload pin rm " + path.Path + " removes it"}
	}
	x, ok := errors.AsType[*attach.HookError](err)
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
	case kind == "xdp" && (errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST)):
		return []string{fmt.Sprintf("detach it first: xdpload link set dev %s xdp off", device)}
	case errors.Is(err, unix.EBUSY) && path != nil:
		return []string{
			fmt.Sprintf("without first, last, before or after, the program goes where the link is: xdpload %s show dev %s", kind, device),
			"xdpload pin rm " + path.Path + " detaches what it holds, then attach again",
		}
	}
	return nil
}

func anchorHints(err error, x *attach.AnchorError, device string) []string {
	kind, _, ok := strings.Cut(x.Hook, "/")
	show := fmt.Sprintf("xdpload %s show dev %s", kind, device)
	switch {
	case !ok:
		return []string{fmt.Sprintf("xdpload link show dev %s, or if-exists to detach it if it is there", device)}
	case !x.Missing && len(x.Attachments) > 0:
		return []string{fmt.Sprintf("choose one by its id: id %d", x.Attachments[0].Program.ID)}
	case strings.HasPrefix(x.Ref.String(), "the only"), !detaches(err):
		return []string{show}
	}
	return []string{show + ", or if-exists to detach it if it is there"}
}

// detaches reports whether the command that failed takes a program off.
func detaches(err error) bool {
	x, ok := errors.AsType[*env.CommandError](err)
	return ok && strings.HasSuffix(x.Command, " detach")
}
