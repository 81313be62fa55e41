package sys

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Kind is what sort of object a BPF file descriptor stands for.
type Kind uint8

// The kinds of object that a BPF file system holds.
const (
	KindMap Kind = iota + 1
	KindProgram
	KindLink
)

// objGetAttr is the BPF_OBJ_GET member of union bpf_attr, up to file_flags.
type objGetAttr struct {
	pathname  pointer
	bpfFD     uint32
	fileFlags uint32
}

// OpenPinned opens the object that is pinned at path and tells its kind. It
// returns a file descriptor that the caller closes, or an *os.PathError.
func OpenPinned(path string) (int, Kind, error) {
	attr := objGetAttr{pathname: stringPointer(path)}
	fd, err := bpf(unix.BPF_OBJ_GET, &attr)
	runtime.KeepAlive(path)
	if err != nil {
		return -1, 0, &os.PathError{Op: "open pin", Path: path, Err: err}
	}
	kind, err := kindOf(fd)
	if err != nil {
		_ = Close(fd)
		return -1, 0, &os.PathError{Op: "open pin", Path: path, Err: err}
	}
	return fd, kind, nil
}

// kindOf reads the name that the kernel gives a BPF file descriptor's
// anonymous inode: no bpf(2) command tells the kind.
func kindOf(fd int) (Kind, error) {
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return 0, err
	}
	switch strings.Trim(strings.TrimPrefix(name, "anon_inode:"), "[]") {
	case "bpf-map":
		return KindMap, nil
	case "bpf-prog":
		return KindProgram, nil
	case "bpf-link", "bpf_link":
		return KindLink, nil
	}
	return 0, fmt.Errorf("%s is neither map nor program nor link", name)
}

// Name is that of an object in the kernel, up to 15 bytes.
type Name [objNameLen]byte

// String returns the name.
func (n Name) String() string { return cString(n[:]) }

// MapInfo is what the kernel tells of a map: struct bpf_map_info, up to
// map_extra. Sizes are bytes.
type MapInfo struct {
	Type       uint32 // BPF_MAP_TYPE_*
	ID         uint32
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32 // BPF_F_*
	Name       Name
	Ifindex    uint32 // the device that an offloaded map is bound to
	_          uint32
	NetnsDev   uint64 // of that device's network namespace
	NetnsInode uint64
	BTF        uint32 // BTF object's id, 0 without BTF
	KeyType    uint32 // type id in that BTF, 0 for none
	ValueType  uint32
	_          uint32
	Extra      uint64 // map_extra
}

// InfoOfMap asks for a map's info through its file descriptor. The errno is
// ENODEV when the device that the map was bound to is gone.
func InfoOfMap(fd int) (*MapInfo, error) {
	info := new(MapInfo)
	if err := objInfo(fd, info); err != nil {
		return nil, fmt.Errorf("map info: %w", err)
	}
	return info, nil
}
