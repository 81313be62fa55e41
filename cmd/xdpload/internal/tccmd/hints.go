package tccmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/netlink"
)

// ClsactHints are the ways out of what a qdisc refuses.
func ClsactHints(err error) []string {
	device := "DEV"
	if x, ok := errors.AsType[*env.LinkError](err); ok {
		device = x.Device
	}
	if x, ok := errors.AsType[*qdiscTakenError](err); ok && x.Have != x.Want {
		return []string{fmt.Sprintf("xdpload tc qdisc del dev %s %s makes room, and deletes its filters", device, x.Have)}
	}
	if _, ok := errors.AsType[*attach.NoEgressError](err); ok {
		return []string{fmt.Sprintf("a clsact qdisc has both: xdpload tc qdisc del dev %s ingress, which deletes its filters, then tc qdisc add dev %[1]s clsact", device)}
	}
	if x, ok := errors.AsType[*attach.AmbiguousError](err); ok && len(x.Attachments) > 0 && x.Attachments[0].Filter != nil {
		f := x.Attachments[0].Filter
		return []string{fmt.Sprintf("name one: pref %d handle %#x", f.Pref, f.Handle)}
	}
	if x, ok := errors.AsType[*subject.ExportError](err); ok {
		return []string{"start the receiver first: xdpload tc exec bpf import " + x.Path + " run …"}
	}
	if errors.Is(err, errNoTracefs) {
		return []string{"mount -t tracefs tracefs " + TracefsDir}
	}
	if x, ok := errors.AsType[*netlink.Error](err); ok {
		return sentenceHints(x.Message)
	}
	return nil
}

// sentenceHints go by what the kernel says of filters.
func sentenceHints(message string) []string {
	switch {
	case strings.HasPrefix(message, "This filter block is shared"):
		return []string{"xdpload tc filter … block N …, with the N that tc qdisc show tells"}
	case strings.HasPrefix(message, "Protocol mismatch"), strings.HasPrefix(message, "Filter with specified priority/protocol not found"):
		return []string{"all filters of one pref have the same protocol: take its protocol, or another pref"}
	case strings.HasPrefix(message, "Filter already exists"):
		return []string{"tc filter replace takes its place"}
	case strings.HasPrefix(message, "Failed to delete TC action"):
		return []string{"a filter uses it: tc filter show tells which"}
	case strings.HasPrefix(message, "Failed to load TC action module"):
		return []string{"the kernel is built without this action"}
	}
	return nil
}
