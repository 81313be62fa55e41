package sys

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ProgramInfo is what the kernel tells of a loaded program.
type ProgramInfo struct {
	Type       uint32 // BPF_PROG_TYPE_*
	ID         uint32
	Name       string // up to 15 bytes; empty for a loader that gave none
	Tag        string // 16 hex digits
	JITed      bool
	XlatedSize int    // of its instructions as the verifier left them, bytes; 0 when the caller may not know
	JITedSize  int    // of its machine code, bytes
	LoadTime   uint64 // nanoseconds since boot
	CreatedBy  uint32 // user id
	MapIDs     []uint32
	BTF        uint32 // BTF object's id, 0 without BTF
	Ifindex    int    // the device that an offloaded program is bound to
	NetnsDev   uint64 // of that device's network namespace
	NetnsInode uint64
}

// progInfo is struct bpf_prog_info, up to func_info_rec_size.
type progInfo struct {
	typ             uint32
	id              uint32
	tag             [8]byte
	jitedProgLen    uint32
	xlatedProgLen   uint32
	jitedProgInsns  pointer
	xlatedProgInsns pointer
	loadTime        uint64
	createdByUID    uint32
	nrMapIDs        uint32
	mapIDs          pointer
	name            Name
	ifindex         uint32
	_               uint32
	netnsDev        uint64
	netnsIno        uint64
	nrJitedKsyms    uint32
	nrJitedFuncLens uint32
	jitedKsyms      pointer
	jitedFuncLens   pointer
	btfID           uint32
	funcInfoRecSize uint32
}

type objInfoAttr struct {
	fd      uint32
	infoLen uint32
	info    pointer
}

// infoMapIDs is room for the maps of nearly every program, so that one call
// tells all.
const infoMapIDs = 16

// InfoOfProgram asks for a program's info through its file descriptor.
func InfoOfProgram(fd int) (*ProgramInfo, error) {
	for room := uint32(infoMapIDs); ; {
		var raw progInfo
		ids := make([]byte, 4*room)
		raw.nrMapIDs, raw.mapIDs = room, bytesPointer(ids)
		if err := objInfo(fd, &raw); err != nil {
			return nil, fmt.Errorf("program info: %w", err)
		}
		if raw.nrMapIDs > room {
			room = raw.nrMapIDs
			continue
		}
		return raw.decode(ids), nil
	}
}

func (r *progInfo) decode(ids []byte) *ProgramInfo {
	info := &ProgramInfo{
		Type:       r.typ,
		ID:         r.id,
		Name:       r.name.String(),
		Tag:        hex.EncodeToString(r.tag[:]),
		JITed:      r.jitedProgLen > 0,
		XlatedSize: int(r.xlatedProgLen),
		JITedSize:  int(r.jitedProgLen),
		LoadTime:   r.loadTime,
		CreatedBy:  r.createdByUID,
		BTF:        r.btfID,
		Ifindex:    int(r.ifindex),
		NetnsDev:   r.netnsDev,
		NetnsInode: r.netnsIno,
	}
	for i := range r.nrMapIDs {
		info.MapIDs = append(info.MapIDs, binary.NativeEndian.Uint32(ids[4*i:]))
	}
	return info
}

func objInfo[T any](fd int, info *T) error {
	attr := objInfoAttr{
		fd:      uint32(fd),
		infoLen: uint32(unsafe.Sizeof(*info)),
		info:    pointer{p: unsafe.Pointer(info)},
	}
	_, err := bpf(unix.BPF_OBJ_GET_INFO_BY_FD, &attr)
	return err
}

// idAttr is the member of union bpf_attr for BPF_*_GET_FD_BY_ID.
type idAttr struct {
	id        uint32
	nextID    uint32
	openFlags uint32
}

// ProgramByID opens the loaded program with that id. It returns a file
// descriptor that the caller closes, or an error that is os.ErrNotExist when
// there is no such program. It takes CAP_SYS_ADMIN.
func ProgramByID(id uint32) (int, error) {
	return openID(unix.BPF_PROG_GET_FD_BY_ID, "program", id)
}

func openID(cmd int, what string, id uint32) (int, error) {
	fd, err := bpf(cmd, &idAttr{id: id})
	if err != nil {
		return -1, &os.SyscallError{Syscall: fmt.Sprintf("open %s id %d", what, id), Err: err}
	}
	return fd, nil
}

// Close closes a file descriptor that a call of this package returned.
func Close(fd int) error {
	return unix.Close(fd)
}

func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
