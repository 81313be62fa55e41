package sys

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Map is what BPF_MAP_CREATE is asked for: that member of union bpf_attr, up to
// map_extra. Sizes are bytes; zero fields ask for nothing.
type Map struct {
	Type       uint32 // BPF_MAP_TYPE_*
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32 // BPF_F_*
	Inner      uint32 // fd of the map like which those in a map of maps are
	NumaNode   uint32
	name       Name
	Ifindex    uint32 // the device that the map is bound to
	BTF        uint32 // BTF object's fd, where a type id is set
	KeyType    uint32 // BTF type id
	ValueType  uint32 // BTF type id
	_          uint32 // BTF type id of the kernel
	Extra      uint64 // map_extra
}

// CreateMap makes a map, with no probe before; its name is cut to 15 bytes. It
// returns a file descriptor that the caller closes, or the errno.
func CreateMap(name string, m Map) (int, error) {
	m.name = objName(name)
	fd, err := bpf(unix.BPF_MAP_CREATE, &m)
	if err != nil {
		return -1, fmt.Errorf("create map %s: %w", name, err)
	}
	return fd, nil
}

// elemAttr is the member of union bpf_attr for one entry.
type elemAttr struct {
	mapFD uint32
	_     uint32
	key   pointer
	value pointer
	flags uint64
}

// UpdateElem sets an entry: of a map with a value for each CPU all of them, each of a
// multiple of 8 bytes; of a queue, stack or Bloom filter with no key. The flags are BPF_ANY,
// BPF_NOEXIST or BPF_EXIST. The error is the errno.
func UpdateElem(fd int, key, value []byte, flags uint64) error {
	return elem(unix.BPF_MAP_UPDATE_ELEM, fd, key, value, flags)
}

// LookupElem reads an entry into value: of a queue or stack the next, with no key. A Bloom
// filter reads the value, and returns ENOENT for one that is not in it. The error is the errno.
func LookupElem(fd int, key, value []byte) error {
	return elem(unix.BPF_MAP_LOOKUP_ELEM, fd, key, value, 0)
}

// TakeElem is [LookupElem], and removes what it has read.
func TakeElem(fd int, key, value []byte) error {
	return elem(unix.BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, key, value, 0)
}

func elem(cmd, fd int, key, value []byte, flags uint64) error {
	_, err := bpf(cmd, &elemAttr{mapFD: uint32(fd), key: bytesPointer(key), value: bytesPointer(value), flags: flags})
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	return err
}
