package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
)

// MismatchError says in what a pinned map differs from the one that an object
// defines.
type MismatchError struct {
	Path   string
	Fields []Field
	// Given is set for a map that the caller has named, which is taken as it is: no
	// policy puts another in its place.
	Given bool
}

// Field is one difference. The names are those of union bpf_attr, such as
// max_entries; "inner." stands before those of the map in a map of maps, and
// "key" and "value" with a path of members for a difference in BTF types.
type Field struct {
	Name string
	Want string // in the object
	Have string // in the pinned map
}

// Error names every field, with both sides.
func (e *MismatchError) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = fmt.Sprintf("%s is %s in the object, %s in the pinned map", f.Name, f.Want, f.Have)
	}
	return fmt.Sprintf("pinned map %s does not fit: %s", e.Path, strings.Join(parts, "; "))
}

// Compatible returns nil if the map that is pinned at path may be used in place
// of a new one, and a *MismatchError with every difference if not. It compares
// type, sizes, number of entries, flags and map_extra; for a map of maps also
// those of an inner map, if there is one yet; and the BTF types of key and
// value, if both sides have them and the caller may look at them. What the
// kernel itself changes when it makes a map does not count as a difference.
func Compatible(path string, want *ebpf.MapSpec, have *ebpf.Map) error {
	info, err := sys.InfoOfMap(have.FD())
	if err != nil {
		return &os.PathError{Op: "compare map", Path: path, Err: err}
	}
	fields := compareAttr(want, info, sameEntries)
	inner, err := compareInner(want, have)
	if err != nil {
		return &os.PathError{Op: "compare map", Path: path, Err: err}
	}
	types, err := compareTypes(want, info)
	if err != nil {
		return &os.PathError{Op: "compare map", Path: path, Err: err}
	}
	if fields = append(append(fields, inner...), types...); len(fields) > 0 {
		return &MismatchError{Path: path, Fields: fields}
	}
	return nil
}

func compareAttr(want *ebpf.MapSpec, have *sys.MapInfo, entries func(*ebpf.MapSpec, *sys.MapInfo) bool) (diff []Field) {
	differ := func(same bool, name, want, have string) {
		if !same {
			diff = append(diff, Field{name, want, have})
		}
	}
	number := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
	key, value := sizes(want)
	wantFlags, haveFlags := flags(want, have)
	differ(uint32(want.Type) == have.Type, "map_type", kernelname.Map(want.Type), kernelname.Map(ebpf.MapType(have.Type)))
	differ(key == have.KeySize, "key_size", number(key), number(have.KeySize))
	differ(value == have.ValueSize, "value_size", number(value), number(have.ValueSize))
	differ(entries(want, have), "max_entries", number(want.MaxEntries), number(have.MaxEntries))
	differ(wantFlags == haveFlags, "map_flags", fmt.Sprintf("%#x", wantFlags), fmt.Sprintf("%#x", haveFlags))
	differ(want.MapExtra == 0 || want.MapExtra == have.Extra,
		"map_extra", fmt.Sprintf("%#x", want.MapExtra), fmt.Sprintf("%#x", have.Extra))
	return diff
}

// sizes fills in what an object may leave out: these maps hold ids.
func sizes(want *ebpf.MapSpec) (key, value uint32) {
	key, value = want.KeySize, want.ValueSize
	switch want.Type {
	case ebpf.ArrayOfMaps, ebpf.HashOfMaps:
		value = 4
	case ebpf.PerfEventArray:
		key, value = 4, 4
	}
	return key, value
}

// flagTokenFD is BPF_F_TOKEN_FD.
const flagTokenFD = 1 << 16

// flags returns both sides' flags without those that are not properties of the
// map: the kernel keeps BPF_F_RDONLY and BPF_F_WRONLY with the file descriptor
// (kernel/bpf/syscall.c, bpf_map_flags_retain_permanent), adds
// BPF_F_RDONLY_PROG to a DEVMAP (kernel/bpf/devmap.c, dev_map_init_map), and
// loaders add BPF_F_MMAPABLE to a data section where the kernel has it.
func flags(want *ebpf.MapSpec, have *sys.MapInfo) (uint32, uint32) {
	const notOfMap = unix.BPF_F_RDONLY | unix.BPF_F_WRONLY | flagTokenFD
	var added uint32
	if want.Type == ebpf.DevMap || want.Type == ebpf.DevMapHash {
		added = unix.BPF_F_RDONLY_PROG
	}
	if _, ok := want.Value.(*btf.Datasec); ok {
		added = unix.BPF_F_MMAPABLE
	}
	return (want.Flags | have.Flags&added) &^ notOfMap, have.Flags &^ notOfMap
}

// sameEntries knows where kernel and loaders round the number of entries.
func sameEntries(want *ebpf.MapSpec, have *sys.MapInfo) bool {
	if want.MaxEntries == have.MaxEntries {
		return true
	}
	switch want.Type {
	case ebpf.RingBuf, ebpf.UserRingbuf:
		return ringSize(want.MaxEntries) == have.MaxEntries
	case ebpf.PerfEventArray, ebpf.CPUMap:
		n, err := ebpf.PossibleCPU()
		return err == nil && uint32(n) == have.MaxEntries && (want.MaxEntries == 0 || want.MaxEntries > uint32(n))
	case ebpf.LRUHash, ebpf.LRUCPUHash:
		// A list for each CPU, all of one length (kernel/bpf/hashtab.c, htab_map_alloc).
		n, err := ebpf.PossibleCPU()
		cpus := uint32(max(n, 1))
		return err == nil && want.Flags&unix.BPF_F_NO_COMMON_LRU != 0 && have.MaxEntries == (want.MaxEntries+cpus-1)/cpus*cpus
	}
	return false
}

// ringSize rounds up to what the kernel takes, a power of two and a multiple of
// the page size.
func ringSize(n uint32) uint32 {
	page := uint32(os.Getpagesize())
	if n <= page {
		return page
	}
	return 1 << bits.Len32(n-1)
}

// compareInner compares an inner map with the object's template. The kernel
// tells nothing of the template that the outer map was made with, so it can
// only be done when something is in the map.
func compareInner(want *ebpf.MapSpec, have *ebpf.Map) ([]Field, error) {
	if want.InnerMap == nil || (have.Type() != ebpf.ArrayOfMaps && have.Type() != ebpf.HashOfMaps) {
		return nil, nil
	}
	inner, err := anyInner(have)
	if inner == nil || err != nil {
		return nil, ignore(err, fs.ErrPermission)
	}
	defer inner.Close()
	info, err := sys.InfoOfMap(inner.FD())
	if err != nil {
		return nil, err
	}
	diff := compareAttr(want.InnerMap, info, sameInnerEntries)
	for i := range diff {
		diff[i].Name = "inner." + diff[i].Name
	}
	return diff, nil
}

func anyInner(outer *ebpf.Map) (*ebpf.Map, error) {
	key := make([]byte, outer.KeySize())
	var inner *ebpf.Map
	entries := outer.Iterate()
	if entries.Next(&key, &inner) {
		return inner, nil
	}
	return nil, entries.Err()
}

// sameInnerEntries knows that an outer map takes inner maps with any number of
// entries, but for arrays (kernel/bpf/arraymap.c, array_map_meta_equal) and
// XSKMAPs (net/xdp/xskmap.c).
func sameInnerEntries(want *ebpf.MapSpec, have *sys.MapInfo) bool {
	fixed := want.Type == ebpf.XSKMap || want.Type == ebpf.Array && want.Flags&unix.BPF_F_INNER_MAP == 0
	return !fixed || sameEntries(want, have)
}

// compareTypes compares the BTF types of key and value.
func compareTypes(want *ebpf.MapSpec, have *sys.MapInfo) ([]Field, error) {
	if (want.Key == nil && want.Value == nil) || have.BTF == 0 {
		return nil, nil
	}
	handle, err := btf.NewHandleFromID(btf.ID(have.BTF))
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	spec, err := handle.Spec(nil)
	if err != nil {
		return nil, err
	}
	key, err := compareType("key", want.Key, spec, have.KeyType)
	if err != nil {
		return nil, err
	}
	value, err := compareType("value", want.Value, spec, have.ValueType)
	return append(key, value...), err
}

func compareType(name string, want btf.Type, spec *btf.Spec, id uint32) ([]Field, error) {
	if want == nil || id == 0 {
		return nil, nil
	}
	have, err := spec.TypeByID(btf.TypeID(id))
	if err != nil {
		return nil, err
	}
	return diffTypes(name, want, have), nil
}
