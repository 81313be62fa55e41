package subject

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
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

// The layout of the message.
const (
	mapSetVersion = 1
	maxSetMaps    = 64
	SetNameSize   = 64
	setHeader     = 88 // version, count, name, padding to 8, device, inode
	setStat       = 72 // where device and inode stand
	setMapSize    = 36
)

// Encode returns the message that tc's export and import exchange, in the machine's byte
// order.
func (s *MapSet) Encode() []byte {
	b := make([]byte, setHeader, setHeader+setMapSize*len(s.Maps))
	binary.NativeEndian.PutUint16(b, mapSetVersion)
	binary.NativeEndian.PutUint16(b[2:], uint16(len(s.Maps)))
	copy(b[4:4+SetNameSize-1], s.Object)
	binary.NativeEndian.PutUint64(b[setStat:], s.Device)
	binary.NativeEndian.PutUint64(b[setStat+8:], s.Inode)
	for _, m := range s.Maps {
		for _, v := range []uint32{m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, m.ID, m.Pinning, m.InnerID, m.InnerIndex} {
			b = binary.NativeEndian.AppendUint32(b, v)
		}
	}
	return b
}

// DecodeMapSet takes iproute2's datagrams too, which have room for 64 maps
// whatever their number.
func DecodeMapSet(b []byte) (*MapSet, error) {
	if len(b) < setHeader {
		return nil, errors.New("not a set of maps: too short")
	}
	if v := binary.NativeEndian.Uint16(b); v != mapSetVersion {
		return nil, fmt.Errorf("a set of maps of version %d, expected %d", v, mapSetVersion)
	}
	n := int(binary.NativeEndian.Uint16(b[2:]))
	if n > maxSetMaps || len(b) < setHeader+n*setMapSize {
		return nil, fmt.Errorf("a set of %d maps in %d bytes", n, len(b))
	}
	name := b[4 : 4+SetNameSize]
	if i := slices.Index(name, 0); i >= 0 {
		name = name[:i]
	}
	s := &MapSet{
		Object: string(name),
		Device: binary.NativeEndian.Uint64(b[setStat:]), Inode: binary.NativeEndian.Uint64(b[setStat+8:]),
	}
	for i := range n {
		e := b[setHeader+i*setMapSize:]
		u32 := func(field int) uint32 { return binary.NativeEndian.Uint32(e[4*field:]) }
		s.Maps = append(s.Maps, SetMap{u32(0), u32(1), u32(2), u32(3), u32(4), u32(5), u32(6), u32(7), u32(8)})
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
	if err := unix.Connect(sock, &unix.SockaddrUnix{Name: path}); err != nil {
		return notExported(path, err)
	}
	if err := unix.Sendmsg(sock, set.Encode(), unix.UnixRights(fds...), nil, 0); err != nil {
		return notExported(path, err)
	}
	return nil
}

// notExported says that nobody took the maps.
func notExported(path string, err error) error {
	return env.WithHints(fmt.Errorf("export to %s: %w", path, err), "start the receiver first: xdpload tc exec bpf import "+path+" run …")
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
	b := make([]byte, setHeader+maxSetMaps*setMapSize)
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
