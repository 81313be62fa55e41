package sys

import (
	"errors"
	"fmt"
	"iter"

	"golang.org/x/sys/unix"
)

// LinkInfo is what the kernel tells of a bpf_link.
type LinkInfo struct {
	Type    uint32 // BPF_LINK_TYPE_*
	ID      uint32
	Program uint32 // the id of the program that it attaches
	Ifindex int    // in the device's network namespace; 0 when the device is gone or the link was detached
}

// OfDevice reports whether the link is one that holds a program on a device.
func (l *LinkInfo) OfDevice() bool {
	return l.Type == LinkTypeXDP || l.Type == LinkTypeTCX || l.Type == LinkTypeNetkit
}

// Severed reports whether the link was one of a device, and holds nothing any
// more.
func (l *LinkInfo) Severed() bool { return l.OfDevice() && l.Ifindex == 0 }

// linkInfo is struct bpf_link_info, up to what the links of devices begin with.
type linkInfo struct {
	typ     uint32
	id      uint32
	progID  uint32
	_       uint32
	ifindex uint32
	_       uint32
}

// InfoOfLink asks for a link's info through its file descriptor.
func InfoOfLink(fd int) (*LinkInfo, error) {
	var raw linkInfo
	if err := objInfo(fd, &raw); err != nil {
		return nil, fmt.Errorf("link info: %w", err)
	}
	l := &LinkInfo{Type: raw.typ, ID: raw.id, Program: raw.progID}
	if l.OfDevice() {
		l.Ifindex = int(raw.ifindex)
	}
	return l, nil
}

// Links lists the bpf_links of every type, in every network namespace. An
// error ends the list; it takes CAP_SYS_ADMIN.
func Links() iter.Seq2[LinkInfo, error] {
	return func(yield func(LinkInfo, error) bool) {
		for next := (idAttr{}); ; next.id = next.nextID {
			_, err := bpf(unix.BPF_LINK_GET_NEXT_ID, &next)
			if errors.Is(err, unix.ENOENT) {
				return
			}
			if err != nil {
				yield(LinkInfo{}, &IDError{Kind: "bpf_link", Err: err})
				return
			}
			fd, err := LinkByID(next.nextID)
			if err != nil {
				continue // gone since
			}
			info, err := InfoOfLink(fd)
			_ = Close(fd)
			if err == nil && !yield(*info, nil) {
				return
			}
		}
	}
}
