package sys

import (
	"errors"
	"fmt"
	"iter"

	"golang.org/x/sys/unix"
)

// LinkTypeXDP is BPF_LINK_TYPE_XDP.
const LinkTypeXDP = 6

// XDPLink is what the kernel tells of a bpf_link that holds an XDP program on
// a device.
type XDPLink struct {
	ID      uint32
	Program uint32 // program id
	Ifindex int    // 0 when the device is gone
}

// xdpLinkInfo is struct bpf_link_info for BPF_LINK_TYPE_XDP.
type xdpLinkInfo struct {
	typ     uint32
	id      uint32
	progID  uint32
	_       uint32
	ifindex uint32
	_       uint32
}

// XDPLinks lists the bpf_links that hold XDP programs, in every network
// namespace. An error ends the list; it takes CAP_SYS_ADMIN.
func XDPLinks() iter.Seq2[XDPLink, error] {
	return func(yield func(XDPLink, error) bool) {
		for id, err := range linkIDs() {
			if err != nil {
				yield(XDPLink{}, err)
				return
			}
			l, ok := xdpLink(id)
			if ok && !yield(l, nil) {
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

// xdpLink is false for a link of another type, and for one that is gone since.
func xdpLink(id uint32) (XDPLink, bool) {
	fd, err := bpf(unix.BPF_LINK_GET_FD_BY_ID, &idAttr{id: id})
	if err != nil {
		return XDPLink{}, false
	}
	defer unix.Close(fd)
	var info xdpLinkInfo
	if err := objInfo(fd, &info); err != nil || info.typ != LinkTypeXDP {
		return XDPLink{}, false
	}
	return XDPLink{ID: info.id, Program: info.progID, Ifindex: int(info.ifindex)}, true
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
