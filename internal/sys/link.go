package sys

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// AttachXDP is BPF_XDP, the attach type of XDP links.
const AttachXDP AttachType = 37

// The types of bpf_link that hold a program on a device: enum bpf_link_type.
const (
	LinkTypeXDP    = 6
	LinkTypeTCX    = 11
	LinkTypeNetkit = 13
)

// linkCreateAttr is the BPF_LINK_CREATE member of union bpf_attr, up to
// tcx.expected_revision, with which netkit's agrees.
type linkCreateAttr struct {
	progFD           uint32
	targetIfindex    uint32
	attachType       uint32
	flags            uint32
	relativeID       uint32
	_                uint32
	expectedRevision uint64
}

// CreateLink attaches a program to a hook of a device by a bpf_link: it is
// attached as long as the link has descriptors or pins. For [AttachXDP] the
// flags are XDP_FLAGS_*_MODE. It returns a file descriptor that the caller
// closes, or the errno.
func CreateLink(ifindex int, t AttachType, fd int, p Place) (int, error) {
	return bpf(unix.BPF_LINK_CREATE, &linkCreateAttr{
		progFD:           uint32(fd),
		targetIfindex:    uint32(ifindex),
		attachType:       uint32(t),
		flags:            p.Flags,
		relativeID:       p.Relative,
		expectedRevision: p.Revision,
	})
}

type linkUpdateAttr struct {
	linkFD    uint32
	newProgFD uint32
	flags     uint32
	oldProgFD uint32
}

// UpdateLink has a link hold another program, with no moment in between in
// which neither runs. With old, a program's descriptor and not 0, it does so
// only if the link holds that one, else the error is EPERM. The error is an
// errno: ENOLINK from a link whose device is gone or that was detached.
func UpdateLink(link, fd, old int) error {
	attr := linkUpdateAttr{linkFD: uint32(link), newProgFD: uint32(fd)}
	if old != 0 {
		attr.flags, attr.oldProgFD = FlagReplace, uint32(old)
	}
	_, err := bpf(unix.BPF_LINK_UPDATE, &attr)
	return err
}

// DetachLink takes a link's program off its hook for good; the link stays as
// long as its descriptors and pins, and holds nothing. The error is an errno.
func DetachLink(link int) error {
	attr := struct{ linkFD uint32 }{uint32(link)}
	_, err := bpf(unix.BPF_LINK_DETACH, &attr)
	return err
}

// LinkByID opens the link with that id. It returns a file descriptor that the
// caller closes, or an error that is os.ErrNotExist when there is no such
// link. It takes CAP_SYS_ADMIN.
func LinkByID(id uint32) (int, error) {
	return openID(unix.BPF_LINK_GET_FD_BY_ID, "bpf_link", id)
}

type rawTracepointAttr struct {
	name   pointer
	progFD uint32
	_      uint32
}

// OpenRawTracepoint has a program of that type run where the kernel passes a tracepoint, as
// long as the descriptor that it returns is open, which the caller closes. The error is an
// errno: ENOENT from a kernel without that tracepoint.
func OpenRawTracepoint(name string, fd int) (int, error) {
	return bpf(unix.BPF_RAW_TRACEPOINT_OPEN, &rawTracepointAttr{name: stringPointer(name), progFD: uint32(fd)})
}

// Pin gives the object behind a descriptor a name on a BPF file system.
func Pin(fd int, path string) error {
	attr := objGetAttr{pathname: stringPointer(path), bpfFD: uint32(fd)}
	_, err := bpf(unix.BPF_OBJ_PIN, &attr)
	runtime.KeepAlive(path)
	if err != nil {
		return &os.PathError{Op: "pin", Path: path, Err: err}
	}
	return nil
}
