package sys

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ProgramInfo is what the kernel tells of a loaded program.
type ProgramInfo struct {
	progInfo
	MapIDs []uint32 // in the order in which the program names them
}

// progInfo is struct bpf_prog_info, up to recursion_misses. Sizes are bytes. An older
// kernel leaves what it does not know zero.
type progInfo struct {
	Type            uint32 // BPF_PROG_TYPE_*
	ID              uint32
	Tag             Tag
	JITedSize       uint32 // of its machine code
	XlatedSize      uint32 // of its instructions as the verifier left them; 0 when the caller may not know
	jitedProgInsns  pointer
	xlatedProgInsns pointer
	LoadTime        uint64 // nanoseconds since boot
	CreatedBy       uint32 // user id
	nrMapIDs        uint32
	mapIDs          pointer
	Name            Name   // empty for a loader that gave none
	Ifindex         uint32 // the device that an offloaded program is bound to
	_               uint32
	NetnsDev        uint64 // of that device's network namespace
	NetnsInode      uint64
	nrJitedKsyms    uint32
	nrJitedFuncLens uint32
	jitedKsyms      pointer
	jitedFuncLens   pointer
	BTF             uint32 // BTF object's id, 0 without BTF
	funcInfoRecSize uint32

	funcInfo             pointer
	nrFuncInfo           uint32
	nrLineInfo           uint32
	lineInfo             pointer
	jitedLineInfo        pointer
	nrJitedLineInfo      uint32
	lineInfoRecSize      uint32
	jitedLineInfoRecSize uint32
	nrProgTags           uint32
	progTags             pointer

	RunTime         uint64 // nanoseconds in the program, while runs were counted
	Runs            uint64 // counted
	RecursionMisses uint64 // runs left out because the program was running already
}

// Tag is the hash of a program's instructions.
type Tag [8]byte

// String returns the tag as 16 hex digits.
func (t Tag) String() string { return hex.EncodeToString(t[:]) }

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
		var info ProgramInfo
		ids := make([]uint32, room)
		info.nrMapIDs, info.mapIDs = room, slicePointer(ids)
		if err := objInfo(fd, &info.progInfo); err != nil {
			return nil, fmt.Errorf("program info: %w", err)
		}
		if info.nrMapIDs > room {
			room = info.nrMapIDs
			continue
		}
		info.MapIDs = append(info.MapIDs, ids[:info.nrMapIDs]...)
		return &info, nil
	}
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
		return -1, &IDError{Kind: what, ID: id, Err: err}
	}
	return fd, nil
}

// IDError says that what is named by its id, or the list of all ids, is not shown. It
// takes CAP_SYS_ADMIN.
type IDError struct {
	Kind string // "program", "map" or "bpf_link"
	ID   uint32 // 0 for all
	Err  error  // an errno: ENOENT if there is none with that id
}

func (e *IDError) Error() string {
	switch {
	case errors.Is(e.Err, unix.ENOENT):
		return fmt.Sprintf("no %s has the id %d", e.Kind, e.ID)
	case e.ID == 0:
		return fmt.Sprintf("list %ss: %v", e.Kind, e.Err)
	}
	return fmt.Sprintf("open %s id %d: %v", e.Kind, e.ID, e.Err)
}

// Unwrap returns the error number.
func (e *IDError) Unwrap() error { return e.Err }

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
