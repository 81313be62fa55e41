package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Map is what BPF_MAP_CREATE is asked for. Sizes are bytes; zero fields ask
// for nothing.
type Map struct {
	Type       uint32 // BPF_MAP_TYPE_*
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32 // BPF_F_*
	InnerFD    int    // the template of a map of maps
	NumaNode   uint32
	Name       string // cut to 15 bytes
	Ifindex    int    // the device that the map is bound to
	BTF        int    // BTF object's fd, where a type id is set
	KeyType    uint32 // BTF type id
	ValueType  uint32 // BTF type id
	Extra      uint64 // map_extra
}

// mapCreateAttr is the BPF_MAP_CREATE member of union bpf_attr, up to
// map_extra.
type mapCreateAttr struct {
	mapType               uint32
	keySize               uint32
	valueSize             uint32
	maxEntries            uint32
	mapFlags              uint32
	innerMapFD            uint32
	numaNode              uint32
	mapName               [objNameLen]byte
	mapIfindex            uint32
	btfFD                 uint32
	btfKeyTypeID          uint32
	btfValueTypeID        uint32
	btfVmlinuxValueTypeID uint32
	mapExtra              uint64
}

// CreateMap makes a map, with no probe before. It returns a file descriptor
// that the caller closes, or the errno.
func CreateMap(m *Map) (int, error) {
	attr := mapCreateAttr{
		mapType:    m.Type,
		keySize:    m.KeySize,
		valueSize:  m.ValueSize,
		maxEntries: m.MaxEntries,
		mapFlags:   m.Flags,
		innerMapFD: uint32(m.InnerFD),
		numaNode:   m.NumaNode,
		mapName:    objName(m.Name),
		mapIfindex: uint32(m.Ifindex),
		mapExtra:   m.Extra,
	}
	if m.BTF > 0 {
		attr.btfFD, attr.btfKeyTypeID, attr.btfValueTypeID = uint32(m.BTF), m.KeyType, m.ValueType
	}
	fd, err := bpf(unix.BPF_MAP_CREATE, &attr)
	if err != nil {
		return -1, fmt.Errorf("create map %s: %w", m.Name, err)
	}
	return fd, nil
}
