package tccmd

import (
	"strconv"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/netlink"
)

// restoring is the words that put a program back into its filter, nil where that had more
// than they can say.
func restoring(a *attach.Attachment, path string) []string {
	f, was := &a.Filter.Filter, a.Filter.Was.BPF
	if was.Police != nil || len(was.Actions) > 0 {
		return nil
	}
	words := []string{"tc", "filter", "replace"}
	switch {
	case f.Block != 0:
		words = append(words, "block", strconv.FormatUint(uint64(f.Block), 10))
	case f.Parent == netlink.Ingress, f.Parent == netlink.Egress:
		words = append(words, "dev", a.Device, f.Parent.String())
	default:
		words = append(words, "dev", a.Device, "parent", f.Parent.String())
	}
	words = append(words, "protocol", f.Protocol.String(), "pref", strconv.Itoa(int(f.Pref)), "handle", subject.HandleText(f.Handle))
	if f.Chain != 0 {
		words = append(words, "chain", strconv.FormatUint(uint64(f.Chain), 10))
	}
	words = append(words, "bpf")
	for _, flag := range []struct {
		word string
		set  bool
	}{{"da", was.Direct}, {"skip_hw", was.SkipHW}, {"skip_sw", was.SkipSW}} {
		if flag.set {
			words = append(words, flag.word)
		}
	}
	if was.ClassID != 0 {
		words = append(words, "flowid", was.ClassID.String())
	}
	return append(words, "pinned", path)
}
