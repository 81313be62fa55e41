package subject

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
)

// A MapSet is the maps of an object, handed from one process to another in a
// datagram of a Unix socket, with their file descriptors beside it: struct
// bpf_map_aux of iproute2's include/bpf_scm.h, in the machine's byte order.
type MapSet struct {
	Object string // its path, 63 bytes at most
	Device uint64 // of the object file
	Inode  uint64
	Maps   []SetMap
}

// SetMap is struct bpf_elf_map of iproute2's include/bpf_elf.h.
type SetMap struct {
	Type, KeySize, ValueSize, MaxEntries, Flags, ID, Pinning, InnerID, InnerIndex uint32
}

const (
	mapSetVersion = 1
	maxSetMaps    = 64
)

// setHeader is what the message begins with.
type setHeader struct {
	Version, Count uint16
	Object         [SetNameSize]byte
	_              [4]byte
	Device, Inode  uint64
}

// SetNameSize is the room for a path, with the zero at its end.
const SetNameSize = 64

// The sizes of the message's parts, in bytes.
const (
	setHeaderSize = 88
	setMapSize    = 36
)

// Encode returns the message that tc's export and import exchange, in the machine's byte
// order.
func (s *MapSet) Encode() []byte {
	h := setHeader{Version: mapSetVersion, Count: uint16(len(s.Maps)), Device: s.Device, Inode: s.Inode}
	copy(h.Object[:SetNameSize-1], s.Object)
	b, _ := binary.Append(nil, binary.NativeEndian, h) // sizes are fixed
	b, _ = binary.Append(b, binary.NativeEndian, s.Maps)
	return b
}

// DecodeMapSet takes iproute2's datagrams too, which have room for 64 maps
// whatever their number.
func DecodeMapSet(b []byte) (*MapSet, error) {
	var h setHeader
	if _, err := binary.Decode(b, binary.NativeEndian, &h); err != nil {
		return nil, errors.New("not a set of maps: too short")
	}
	if h.Version != mapSetVersion {
		return nil, fmt.Errorf("a set of maps of version %d, expected %d", h.Version, mapSetVersion)
	}
	s := &MapSet{Object: unix.ByteSliceToString(h.Object[:]), Device: h.Device, Inode: h.Inode}
	if h.Count > 0 && h.Count <= maxSetMaps {
		s.Maps = make([]SetMap, h.Count)
	}
	if _, err := binary.Decode(b[setHeaderSize:], binary.NativeEndian, s.Maps); err != nil || h.Count > maxSetMaps {
		return nil, fmt.Errorf("a set of %d maps in %d bytes", h.Count, len(b))
	}
	return s, nil
}

// exportMaps sends the maps of a load to whoever listens at path.
func exportMaps(path, file string, obj *elf.Object, l *load.Loaded) error {
	set, fds, err := newMapSet(file, obj, l.Maps)
	if err != nil {
		return fmt.Errorf("export %s: %w", path, err)
	}
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(sock)
	err = unix.Connect(sock, &unix.SockaddrUnix{Name: path})
	if err == nil {
		err = unix.Sendmsg(sock, set.Encode(), unix.UnixRights(fds...), nil, 0)
	}
	if err != nil {
		err = fmt.Errorf("export to %s: %w", path, err)
		return env.WithHints(err, "start the receiver first: "+render.Shell("xdpload", "tc", "exec", "bpf", "import", path, "run", "…"))
	}
	return nil
}

// newMapSet lists the maps that the object defines; those of global variables
// are not among them. Maps without a number of their own, which only iproute2's
// style has, are numbered by name.
func newMapSet(file string, obj *elf.Object, maps []*load.Map) (*MapSet, []int, error) {
	set := &MapSet{Object: file}
	var stat unix.Stat_t
	if unix.Stat(file, &stat) == nil {
		set.Device, set.Inode = uint64(stat.Dev), stat.Ino
	}
	var fds []int
	next := uint32(0)
	for _, m := range maps {
		def, err := obj.Map(m.Name)
		if err != nil {
			return nil, nil, err
		}
		if def.Style == elf.StyleData {
			continue
		}
		e := SetMap{
			Type: uint32(m.Type()), KeySize: m.KeySize(), ValueSize: m.ValueSize(), MaxEntries: m.MaxEntries(),
			Flags: m.Flags(), ID: def.ID, Pinning: uint32(def.Pinning), InnerID: def.InnerID, InnerIndex: uint32(def.InnerIndex),
		}
		if def.Style != elf.StyleLegacy {
			e.ID = next
			next++
		}
		set.Maps, fds = append(set.Maps, e), append(fds, m.FD())
	}
	switch n := len(fds); {
	case n == 0:
		return nil, nil, errors.New("the program has no maps")
	case n > maxSetMaps:
		return nil, nil, fmt.Errorf("%d maps, a datagram carries %d", n, maxSetMaps)
	}
	return set, fds, nil
}

// ImportMaps waits at path for one set of maps. Their descriptors are inherited
// by what the process executes.
func ImportMaps(path string) (_ *MapSet, fds []int, err error) {
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socket", err)
	}
	defer unix.Close(sock)
	if err := unix.Bind(sock, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, nil, fmt.Errorf("import %s: %w", path, err)
	}
	defer os.Remove(path) //nolint:errcheck // whoever removed it before was welcome
	b := make([]byte, setHeaderSize+maxSetMaps*setMapSize)
	control := make([]byte, unix.CmsgSpace(4*maxSetMaps))
	n, controlLen, flags, _, err := unix.Recvmsg(sock, b, control, 0)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("import %s: %w", path, err)
	case flags&unix.MSG_CTRUNC != 0:
		return nil, nil, fmt.Errorf("import %s: more descriptors than %d", path, maxSetMaps)
	}
	set, err := DecodeMapSet(b[:n])
	if err != nil {
		return nil, nil, fmt.Errorf("import %s: %w", path, err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:controlLen])
	if err != nil {
		return nil, nil, fmt.Errorf("import %s: %w", path, err)
	}
	for _, m := range messages {
		rights, err := unix.ParseUnixRights(&m)
		if err != nil {
			return nil, nil, fmt.Errorf("import %s: %w", path, err)
		}
		fds = append(fds, rights...)
	}
	if len(fds) < len(set.Maps) {
		return nil, nil, fmt.Errorf("import %s: %d maps with %d descriptors", path, len(set.Maps), len(fds))
	}
	return set, fds, nil
}
