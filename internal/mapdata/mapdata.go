// Package mapdata reads and writes the entries of maps in the kernel as JSON or
// text, typed by the map's BTF.
//
// An entry is {"key":K,"value":V}; of a map with a value for each CPU it is
// {"key":K,"values":[{"cpu":0,"value":V},…],"sum":S}, where S adds up every integer.
// [btfjson.Codec] says what K and V are.
// The value of a program array or a map of maps is the id of a program or map. Maps of
// devices and CPUs have the kernel's structures: {"ifindex":"eth0","prog":ID} and
// {"qsize":512,"prog":ID}, or without a program "eth0" and 512.
package mapdata

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/internal/btfjson"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
)

// Map is an open map and what is known of its types. It is for one goroutine.
type Map struct {
	m          *ebpf.Map
	info       *sys.MapInfo
	key, value *btfjson.Codec
	names      Names
	cpus       int // 0: one value for all
	stride     int // bytes from the value of one CPU to that of the next
	// Hidden reports that the map has types, which are shown to CAP_SYS_ADMIN only.
	Hidden bool
}

// New looks at a map, which stays the caller's.
func New(m *ebpf.Map, names Names) (*Map, error) {
	info, err := sys.InfoOfMap(m.FD())
	if err != nil {
		return nil, err
	}
	d := &Map{m: m, info: info, names: names, stride: int(info.ValueSize)}
	switch m.Type() {
	case ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash, ebpf.PerCPUCGroupStorage:
		d.stride = (d.stride + 7) &^ 7 // kernel/bpf/syscall.c, bpf_map_value_size
		if d.cpus, err = ebpf.PossibleCPU(); err != nil {
			return nil, err
		}
	case ebpf.RingBuf, ebpf.UserRingbuf, ebpf.Arena:
		return nil, fmt.Errorf("a map of type %s has no entries", kernelname.Map(m.Type()))
	}
	return d, d.types()
}

// types makes the codecs.
func (d *Map) types() error {
	var key, value btf.Type
	if d.info.BTF != 0 {
		handle, err := d.m.Handle()
		if err == nil {
			defer handle.Close()
			key, value, err = d.lookTypesUp(handle)
		}
		if d.Hidden = errors.Is(err, fs.ErrPermission); err != nil && !d.Hidden {
			return fmt.Errorf("types of the map: %w", err)
		}
	}
	d.value = d.ofKernel()
	if key == nil && (value != nil || d.value != nil || d.Hidden && d.isArray()) && d.info.KeySize == 4 {
		key = &btf.Int{Name: "__u32", Size: 4} // the index of a section of variables, or of an array of programs
	}
	d.key = btfjson.New(key, int(d.info.KeySize))
	if d.m.Type() == ebpf.LPMTrie {
		d.key = btfjson.NewPrefix(key, int(d.info.KeySize))
	}
	if d.value == nil {
		d.value = btfjson.New(value, int(d.info.ValueSize))
	}
	return nil
}

func (d *Map) lookTypesUp(handle *btf.Handle) (key, value btf.Type, err error) {
	spec, err := handle.Spec(nil)
	if err == nil && d.info.KeyType != 0 {
		key, err = spec.TypeByID(btf.TypeID(d.info.KeyType))
	}
	if err == nil && d.info.ValueType != 0 {
		value, err = spec.TypeByID(btf.TypeID(d.info.ValueType))
	}
	return key, value, err
}

// valueSize is the number of bytes of a value, for all CPUs.
func (d *Map) valueSize() int { return d.stride * max(1, d.cpus) }
