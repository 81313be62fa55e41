package sys

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AttachType is a hook of a device that runs several programs in order: enum
// bpf_attach_type.
type AttachType uint32

// The hooks.
const (
	TCXIngress    AttachType = 46 // BPF_TCX_INGRESS, Linux 6.6
	TCXEgress     AttachType = 47 // BPF_TCX_EGRESS
	NetkitPrimary AttachType = 54 // BPF_NETKIT_PRIMARY, Linux 6.7
	NetkitPeer    AttachType = 55 // BPF_NETKIT_PEER
)

// The places of [Place.Flags], which kernel/bpf/mprog.c knows.
const (
	FlagReplace = 1 << 2  // BPF_F_REPLACE
	FlagBefore  = 1 << 3  // BPF_F_BEFORE
	FlagAfter   = 1 << 4  // BPF_F_AFTER
	FlagID      = 1 << 5  // BPF_F_ID
	FlagLink    = 1 << 13 // BPF_F_LINK
)

// Place is where a program goes among those of a hook.
type Place struct {
	Flags    uint32 // FlagBefore or FlagAfter, and FlagID, FlagLink for what Relative is
	Relative uint32 // an id; 0: before or after all
	Revision uint64 // refuse with ESTALE if the hook has another; 0 for any
}

// progAttachAttr is the BPF_PROG_ATTACH and BPF_PROG_DETACH member of union
// bpf_attr, up to expected_revision.
type progAttachAttr struct {
	targetIfindex    uint32
	attachBPFFD      uint32
	attachType       uint32
	attachFlags      uint32
	replaceBPFFD     uint32
	relativeID       uint32
	expectedRevision uint64
}

// AttachProgram puts a program on a hook of a device of the calling thread's
// network namespace. With replace, a program's descriptor and not 0, it takes
// the place of that one. The error is an errno.
func AttachProgram(ifindex int, t AttachType, fd, replace int, p Place) error {
	attr := progAttachAttr{
		targetIfindex:    uint32(ifindex),
		attachBPFFD:      uint32(fd),
		attachType:       uint32(t),
		attachFlags:      p.Flags,
		relativeID:       p.Relative,
		expectedRevision: p.Revision,
	}
	if replace != 0 {
		attr.attachFlags |= FlagReplace
		attr.replaceBPFFD = uint32(replace)
	}
	_, err := bpf(unix.BPF_PROG_ATTACH, &attr)
	return err
}

// DetachProgram takes a program off a hook, if the hook has that revision; 0
// is any. The error is an errno.
func DetachProgram(ifindex int, t AttachType, fd int, revision uint64) error {
	return detach(ifindex, t, fd, Place{Revision: revision})
}

// DetachAt takes the program off that is right before or after another, or with
// no Relative the first or the last. It needs no descriptor of it, so not
// CAP_SYS_ADMIN: the revision says which one it is. The error is an errno.
func DetachAt(ifindex int, t AttachType, p Place) error { return detach(ifindex, t, 0, p) }

func detach(ifindex int, t AttachType, fd int, p Place) error {
	_, err := bpf(unix.BPF_PROG_DETACH, &progAttachAttr{
		targetIfindex:    uint32(ifindex),
		attachBPFFD:      uint32(fd),
		attachType:       uint32(t),
		attachFlags:      p.Flags,
		relativeID:       p.Relative,
		expectedRevision: p.Revision,
	})
	return err
}

// Running is one program of a hook.
type Running struct {
	Program uint32 // id
	Link    uint32 // id of the bpf_link that holds it, 0 if none does
}

// progQueryAttr is the BPF_PROG_QUERY member of union bpf_attr, up to
// revision.
type progQueryAttr struct {
	targetIfindex   uint32
	attachType      uint32
	queryFlags      uint32
	attachFlags     uint32
	progIDs         pointer
	count           uint32
	_               uint32
	progAttachFlags pointer
	linkIDs         pointer
	linkAttachFlags pointer
	revision        uint64
}

// queryRoom is BPF_MPROG_MAX: more programs no hook has (include/linux/bpf_mprog.h).
const queryRoom = 64

// QueryPrograms lists the programs of a hook in the order in which they run,
// and the hook's revision, which each change increments. The error is EINVAL
// from a kernel that does not know the hook.
func QueryPrograms(ifindex int, t AttachType) ([]Running, uint64, error) {
	var programs, links [queryRoom]uint32
	attr := progQueryAttr{
		targetIfindex: uint32(ifindex),
		attachType:    uint32(t),
		progIDs:       pointer{p: unsafe.Pointer(&programs)},
		linkIDs:       pointer{p: unsafe.Pointer(&links)},
		count:         queryRoom,
	}
	if _, err := bpf(unix.BPF_PROG_QUERY, &attr); err != nil {
		return nil, 0, fmt.Errorf("query programs: %w", err)
	}
	if attr.count == 0 {
		return nil, attr.revision, nil
	}
	out := make([]Running, min(attr.count, queryRoom))
	for i := range out {
		out[i] = Running{Program: programs[i], Link: links[i]}
	}
	return out, attr.revision, nil
}
