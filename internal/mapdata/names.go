package mapdata

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/btfjson"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// Names find what values name, and the kernel knows by numbers. Those that are nil find
// nothing.
type Names struct {
	Device  func(name string) (ifindex uint32, err error)
	Ifindex func(ifindex uint32) (name string, ok bool)
	// Program and Map take words such as "pinned PATH", and return an id.
	Program func(words string) (id uint32, err error)
	Map     func(words string) (id uint32, err error)
}

// isProgramOrMap tells words that name one, of which there are two, from a number.
func isProgramOrMap(word string) bool { return strings.Contains(word, " ") }

func isNoNumber(word string) bool {
	_, err := strconv.ParseUint(word, 0, 32)
	return word != "" && err != nil
}

// named is the codec for numbers that find knows by name.
func named(find func(string) (uint32, error), isName func(string) bool, name func(uint32) (string, bool)) *btfjson.Codec {
	return btfjson.NewNamed(btfjson.Names{
		Name: func(n uint64) (string, bool) {
			if name == nil || n == 0 {
				return "", false
			}
			word, ok := name(uint32(n))
			return word, ok && isName(word)
		},
		Number: func(word string) (uint64, bool, error) {
			if find == nil || !isName(word) {
				return 0, false, nil
			}
			n, err := find(word)
			return uint64(n), err == nil, err
		},
	})
}

// The sizes of values with a program, struct bpf_devmap_val and bpf_cpumap_val
// (include/uapi/linux/bpf.h), and where it is in them.
const (
	withProgram   = 8
	programOffset = 4
)

// ofKernel is the codec for values that the kernel defines, nil for others.
func (d *Map) ofKernel() *btfjson.Codec {
	program := named(d.names.Program, isProgramOrMap, nil)
	var first *btfjson.Codec
	name := "ifindex"
	switch d.m.Type() {
	case ebpf.ProgramArray:
		return program
	case ebpf.ArrayOfMaps, ebpf.HashOfMaps:
		return named(d.names.Map, isProgramOrMap, nil)
	case ebpf.DevMap, ebpf.DevMapHash:
		first = named(d.names.Device, isNoNumber, d.names.Ifindex)
	case ebpf.CPUMap:
		first, name = named(nil, isNoNumber, nil), "qsize"
	default:
		return nil
	}
	if d.info.ValueSize != withProgram {
		return first
	}
	return btfjson.NewStruct(withProgram, btfjson.Member{Name: name, Codec: first}, btfjson.Member{Name: "prog", Offset: programOffset, Codec: program})
}

// held says where in a value the id of a program or map is, of which the kernel takes a
// descriptor; false for no such place.
func (d *Map) held() (offset int, ok bool) {
	switch d.m.Type() {
	case ebpf.ProgramArray, ebpf.ArrayOfMaps, ebpf.HashOfMaps:
		return 0, true
	case ebpf.DevMap, ebpf.DevMapHash, ebpf.CPUMap:
		return programOffset, d.info.ValueSize == withProgram
	}
	return 0, false
}

// withDescriptor is a value with a descriptor in the place of the id, which the caller
// closes. No id is no descriptor.
func (d *Map) withDescriptor(value []byte, offset int) ([]byte, io.Closer, error) {
	var open interface {
		io.Closer
		FD() int
	}
	var err error
	switch id := binary.NativeEndian.Uint32(value[offset:]); {
	case id == 0 && offset > 0:
		return value, io.NopCloser(nil), nil
	case d.m.Type() == ebpf.ArrayOfMaps || d.m.Type() == ebpf.HashOfMaps:
		if open, err = ebpf.NewMapFromID(ebpf.MapID(id)); err != nil {
			return nil, nil, fmt.Errorf("map id %d: %w", id, kernelname.Refusal(err))
		}
	default:
		if open, err = ebpf.NewProgramFromID(ebpf.ProgramID(id)); err != nil {
			return nil, nil, fmt.Errorf("program id %d: %w", id, kernelname.Refusal(err))
		}
	}
	value = append([]byte(nil), value...)
	binary.NativeEndian.PutUint32(value[offset:], uint32(open.FD()))
	return value, open, nil
}
