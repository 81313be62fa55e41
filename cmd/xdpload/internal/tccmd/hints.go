package tccmd

import (
	"fmt"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/render"
)

// AmbiguousHints name one of several filters.
func AmbiguousHints(x *attach.AmbiguousError) []string {
	if len(x.Attachments) == 0 || x.Attachments[0].Filter == nil {
		return nil
	}
	f := x.Attachments[0].Filter
	return []string{fmt.Sprintf("name one: pref %d handle %#x", f.Pref, f.Handle)}
}

// NoEgressHints change the kind of a device's qdisc.
func NoEgressHints(device string) []string {
	return []string{fmt.Sprintf("a clsact qdisc has both: xdpload tc qdisc del dev %s ingress, which deletes its filters, then xdpload tc qdisc add dev %[1]s clsact", render.Shell(device))}
}
