package sys

import (
	"errors"
	"fmt"
	"iter"

	"golang.org/x/sys/unix"
)

// DeviceLink is what the kernel tells of a bpf_link that holds a program on a
// device.
type DeviceLink struct {
	LinkInfo
	Ifindex    int        // in the device's network namespace; 0 when the device is gone or the link was detached
	AttachType AttachType // 0 for XDP
}

// deviceLinkInfo is struct bpf_link_info for BPF_LINK_TYPE_XDP, _TCX and
// _NETKIT; the attach type is that of the last two.
type deviceLinkInfo struct {
	linkInfo
	ifindex    uint32
	attachType uint32
}

// InfoOfDeviceLink asks for a link's info through its file descriptor. It is
// nil for a link that is not of a device.
func InfoOfDeviceLink(fd int) (*DeviceLink, error) {
	var raw deviceLinkInfo
	if err := objInfo(fd, &raw); err != nil {
		return nil, fmt.Errorf("link info: %w", err)
	}
	out := &DeviceLink{LinkInfo: LinkInfo{Type: raw.typ, ID: raw.id, Program: raw.progID}, Ifindex: int(raw.ifindex)}
	switch raw.typ {
	case LinkTypeXDP:
		return out, nil
	case LinkTypeTCX, LinkTypeNetkit:
		out.AttachType = AttachType(raw.attachType)
		return out, nil
	}
	return nil, nil
}

// DeviceLinks lists the bpf_links that hold programs on devices, in every
// network namespace. An error ends the list; it takes CAP_SYS_ADMIN.
func DeviceLinks() iter.Seq2[DeviceLink, error] {
	return func(yield func(DeviceLink, error) bool) {
		for id, err := range linkIDs() {
			if err != nil {
				yield(DeviceLink{}, err)
				return
			}
			fd, err := LinkByID(id)
			if err != nil {
				continue // gone since
			}
			info, err := InfoOfDeviceLink(fd)
			_ = Close(fd)
			if err == nil && info != nil && !yield(*info, nil) {
				return
			}
		}
	}
}

func linkIDs() iter.Seq2[uint32, error] {
	return func(yield func(uint32, error) bool) {
		next := idAttr{}
		for {
			_, err := bpf(unix.BPF_LINK_GET_NEXT_ID, &next)
			if errors.Is(err, unix.ENOENT) {
				return
			}
			if err != nil {
				yield(0, fmt.Errorf("next link: %w", err))
				return
			}
			next.id = next.nextID
			if !yield(next.nextID, nil) {
				return
			}
		}
	}
}

// Links lists the bpf_links of every type, in every network namespace. An
// error ends the list; it takes CAP_SYS_ADMIN.
func Links() iter.Seq2[LinkInfo, error] {
	return func(yield func(LinkInfo, error) bool) {
		for id, err := range linkIDs() {
			if err != nil {
				yield(LinkInfo{}, err)
				return
			}
			fd, err := bpf(unix.BPF_LINK_GET_FD_BY_ID, &idAttr{id: id})
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
