package tcxcmd

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/render"
)

// HookHints are the ways out of what bpf(2) refuses on a hook. Where the cause is
// known and is all there is to say, they are empty, but not nil.
func HookHints(x *attach.HookError, device string) []string {
	kind, point, _ := strings.Cut(x.Hook, "/")
	switch {
	case x.Since != "" && kind == "tcx":
		return []string{fmt.Sprintf("the filter that does the same: xdpload tc filter add dev %s %s bpf direct-action obj FILE", render.Shell(device), point)}
	case x.Since != "":
		return []string{"tc filters of a veth pair do what netkit does, on each device in its own namespace: xdpload tc filter add dev " + render.Shell(device) + " egress bpf direct-action obj FILE"}
	case errors.Is(x, unix.ESTALE):
		return []string{fmt.Sprintf("xdpload %s show dev %s shows the programs and the revision", kind, render.Shell(device))}
	case x.Cause != "":
		return []string{}
	}
	return nil
}

// LinkPinHints are the ways out when what is pinned, or is to be pinned, as a
// bpf_link does not fit.
func LinkPinHints(x *os.PathError, err error, device string) []string {
	remove := render.Shell("xdpload", "pin", "rm", x.Path)
	stays, _ := errors.AsType[*attach.HookError](x)
	switch {
	case errors.Is(x, attach.ErrLinkDetached):
		return []string{remove + ", then attach again"}
	case errors.Is(x, attach.ErrNotLink):
		return []string{"choose another path, or " + remove}
	case stays != nil && errors.Is(x, unix.EBUSY):
		kind, _, several := strings.Cut(stays.Hook, "/")
		if !several {
			there := env.LineOf(err).As("xdp", "xdpgeneric", "xdpdrv", "xdpoffload")
			return []string{"xdp leaves it in its mode: " + there.Forced(), remove + " detaches what it holds, then attach again"}
		}
		return []string{
			fmt.Sprintf("without first, last, before or after, the program goes where the link is: xdpload %s show dev %s", kind, render.Shell(device)),
			remove + " detaches what it holds, then attach again",
		}
	case errors.Is(x, os.ErrExist):
		return []string{"-force updates the bpf_link that is pinned there: " + env.LineOf(err).Forced(), remove + " removes it"}
	}
	return nil
}

// AnchorHints choose a program of a hook. Err is the whole error, which says what
// the command was to do with it.
func AnchorHints(x *attach.AnchorError, err error, device string) []string {
	kind, _, ok := strings.Cut(x.Hook, "/")
	show := render.Shell("xdpload", kind, "show", "dev", device)
	switch {
	case !ok:
		return []string{render.Shell("xdpload", "link", "show", "dev", device) + ", or if-exists to detach it if it is there"}
	case !x.Missing && len(x.Attachments) > 0:
		return []string{"choose one by its id: " + choices(x.Attachments)}
	case strings.HasPrefix(x.Ref.String(), "the only"), !detaches(err):
		return []string{show}
	}
	return []string{show + ", or if-exists to detach it if it is there"}
}

// choices are the words for each of some programs: what a bpf_link holds goes by that.
func choices(all []*attach.Attachment) string {
	var words []string
	for _, a := range all {
		if a.Link != nil {
			words = append(words, fmt.Sprintf("link %d", a.Link.ID))
			continue
		}
		words = append(words, fmt.Sprintf("id %d", a.Program.ID))
	}
	return strings.Join(words, ", ")
}

// detaches reports whether the command that failed takes a program off.
func detaches(err error) bool {
	x, ok := errors.AsType[*env.CommandError](err)
	return ok && strings.HasSuffix(x.Command, " detach")
}
