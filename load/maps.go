package load

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/offload"
)

// Map is a map in the kernel. Close gives its file descriptor back.
type Map struct {
	*ebpf.Map        // closed with this one
	ID        uint32 // its number
	Name      string // as the object says it: the kernel keeps 15 bytes
	Pin       string // the path at which it is pinned, "" for none
	// Reused says that the map was there before the load.
	Reused bool
}

// errNameless says what cilium/ebpf keeps to itself: it gives no name after the
// call has failed by which it finds out whether the kernel takes one.
var errNameless = errors.New("it would have no name: whether the kernel takes names could not be found out, as memory or file descriptors were missing")

func newMap(name string, m *ebpf.Map, source mapSource) (*Map, error) {
	info, err := sys.InfoOfMap(m.FD())
	if err != nil {
		return nil, err
	}
	if info.Name.String() == "" && source.reused == "" {
		return nil, errNameless
	}
	return &Map{Map: m, ID: info.ID, Name: name, Pin: source.pin, Reused: source.reused != ""}, nil
}

// createMaps makes or finds every map of the spec. Constant data is filled and
// frozen at once, because the verifier reads it.
func (l *loader) createMaps() error {
	l.maps = make(map[string]*ebpf.Map, len(l.spec.Maps))
	l.sources = make(map[string]mapSource, len(l.spec.Maps))
	for _, name := range sorted(l.spec.Maps) {
		spec := l.spec.Maps[name]
		setVariables(spec, l.spec.Variables, name)
		m, source, err := l.obtainMap(name, spec)
		if err == nil && source.reused != "" {
			err = l.checkDevice(m, source.reused)
		}
		if err != nil {
			return &Error{Map: name, Err: err}
		}
		l.maps[name], l.sources[name] = m, source
		if source.reused == "" || spec.Type != ebpf.ProgramArray {
			continue
		}
		if err := checkArray(m, source.reused, l.typeUsing(name)); err != nil {
			return &Error{Map: name, Err: err}
		}
	}
	return nil
}

// typeUsing is the type of the programs that use a program array: all are of one.
func (l *loader) typeUsing(array string) ebpf.ProgramType {
	for _, e := range l.entries {
		if slices.Contains(e.Arrays, array) {
			return l.spec.Programs[e.Program].Type
		}
	}
	return l.spec.Programs[l.entry()].Type
}

// setVariables writes the values of a data section's variables into the
// contents of its map.
func setVariables(spec *ebpf.MapSpec, variables map[string]*ebpf.VariableSpec, section string) {
	if len(spec.Contents) != 1 {
		return
	}
	data, ok := spec.Contents[0].Value.([]byte)
	if !ok {
		return
	}
	data = slices.Clone(data)
	for _, v := range variables {
		if v.SectionName == section && int(v.Offset) <= len(data) {
			copy(data[v.Offset:], v.Value)
		}
	}
	spec.Contents = []ebpf.MapKV{{Key: spec.Contents[0].Key, Value: data}}
}

// NewMap makes a map that no object defines. inner is one like which those in a map of maps
// are, nil for a map of another type. The caller closes it.
func NewMap(spec *ebpf.MapSpec, inner *ebpf.Map) (*ebpf.Map, error) {
	return (&loader{inner: inner}).createMap(spec)
}

// createMap first asks for just what is wanted, and leaves what the kernel
// refuses, and the types whose size depends on the machine, to cilium/ebpf.
func (l *loader) createMap(spec *ebpf.MapSpec) (*ebpf.Map, error) {
	ifindex := l.device()
	if offload.OnHost(spec.Type) {
		ifindex = 0
	}
	wanted := *spec
	if isTable(spec.Type) {
		wanted.Contents = nil // names of programs and maps: filled later
	}
	if l.types.refused != nil {
		wanted.Key, wanted.Value = nil, nil
	}
	m, plainErr := l.createPlain(&wanted, ifindex)
	if plainErr == nil {
		if err := fill(m, &wanted); err != nil {
			m.Close()
			return nil, err
		}
		return m, nil
	}
	if ifindex != 0 {
		return nil, l.unsuitableMap(spec, plainErr)
	}
	err := plainErr
	if l.inner == nil {
		l.detours = append(l.detours, &Error{Map: spec.Name, Err: plainErr})
		m, err = unlimited(func() (*ebpf.Map, error) { return ebpf.NewMap(&wanted) }) // and fills it
	}
	if err != nil {
		return nil, l.refusedMap(&wanted, err)
	}
	return m, nil
}

// fill sets the elements of a map. Constants cannot change from then on.
func fill(m *ebpf.Map, spec *ebpf.MapSpec) error {
	for _, kv := range spec.Contents {
		if err := m.Put(kv.Key, kv.Value); err != nil {
			return fmt.Errorf("set element %v: %w", kv.Key, kernelname.Refusal(err))
		}
	}
	if constant(spec.Name) {
		if err := m.Freeze(); err != nil {
			return fmt.Errorf("freeze: %w", kernelname.Refusal(err))
		}
	}
	return nil
}

// unlimited has cilium/ebpf make something, and again where the limit on locked memory was in the way.
func unlimited[T any](create func() (T, error)) (T, error) {
	made, err := create()
	if errors.Is(err, unix.EPERM) && sys.RaiseMemlock() {
		return create()
	}
	return made, err
}

// privilege tells a missing one, or a filter of system calls, as the kernel does, and not as
// cilium/ebpf, which takes it for a limit on locked memory, or a fault of its own probes.
func privilege(err error) error {
	for _, errno := range []unix.Errno{unix.EPERM, unix.ENOSYS} {
		if errors.Is(err, errno) {
			return errno
		}
	}
	return kernelname.Refusal(err)
}

// errNotPlain says that a map's attributes depend on the machine.
var errNotPlain = errors.New("attributes depend on the machine")

func (l *loader) createPlain(spec *ebpf.MapSpec, ifindex int) (*ebpf.Map, error) {
	switch spec.Type {
	case ebpf.Hash, ebpf.Array, ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUHash, ebpf.LRUCPUHash,
		ebpf.LPMTrie, ebpf.ProgramArray, ebpf.DevMap, ebpf.DevMapHash, ebpf.XSKMap, ebpf.Queue, ebpf.Stack:
	default:
		if l.inner == nil {
			return nil, errNotPlain
		}
	}
	m, err := l.attributes(spec, ifindex)
	if err != nil {
		return nil, err
	}
	fd, err := sys.CreateMap(spec.Name, m)
	if err != nil {
		return nil, err
	}
	return ebpf.NewMapFromFD(fd)
}

// attributes are what the kernel is asked for.
func (l *loader) attributes(spec *ebpf.MapSpec, ifindex int) (sys.Map, error) {
	m := sys.Map{
		Type:       uint32(spec.Type),
		KeySize:    spec.KeySize,
		ValueSize:  spec.ValueSize,
		MaxEntries: spec.MaxEntries,
		Flags:      spec.Flags,
		NumaNode:   spec.NumaNode,
		Ifindex:    uint32(ifindex),
		Extra:      spec.MapExtra,
	}
	if l.inner != nil {
		m.Inner = uint32(l.inner.FD())
	}
	types, described := l.types.maps[spec.Name]
	switch {
	case !described, ifindex != 0: // a device has ENOTSUPP for them: kernel/bpf/offload.c, map_check_no_btf
	case l.types.err != nil:
		return sys.Map{}, l.types.err
	default:
		m.BTF, m.KeyType, m.ValueType = uint32(l.types.fd), uint32(types.key), uint32(types.value)
	}
	return m, nil
}

// fillTables sets the elements that are programs and maps of this load. A map
// of maps that was there before keeps what it has, as iproute2 leaves it too;
// the slots of a program array that was there before wait for Commit.
func (l *loader) fillTables() error {
	for _, name := range sorted(l.spec.Maps) {
		spec, m := l.spec.Maps[name], l.maps[name]
		reused := l.sources[name].reused != ""
		switch {
		case spec.Type == ebpf.ProgramArray && reused:
			if !l.options.KeepSlots {
				l.planSlots(name, spec.Contents)
			}
		case isTable(spec.Type) && !reused:
			if err := l.fillTable(m, spec.Contents); err != nil {
				return &Error{Map: name, Err: err}
			}
		}
	}
	return nil
}

func (l *loader) fillTable(m *ebpf.Map, contents []ebpf.MapKV) error {
	for _, kv := range contents {
		if err := m.Put(kv.Key, l.element(kv.Value)); err != nil {
			return fmt.Errorf("set element %v to %v: %w", kv.Key, kv.Value, kernelname.Refusal(err))
		}
	}
	return nil
}

func (l *loader) planSlots(name string, contents []ebpf.MapKV) {
	for _, kv := range contents {
		key, _ := kv.Key.(uint32)
		if p, ok := l.element(kv.Value).(*ebpf.Program); ok {
			l.live = append(l.live, liveSlot{array: name, m: l.maps[name], key: key, program: p})
		}
	}
}

// element is what a table holds where the spec has a name.
func (l *loader) element(value any) any {
	name, ok := value.(string)
	if !ok {
		return value
	}
	if p := l.programs[name]; p != nil {
		return p
	}
	if m := l.maps[name]; m != nil {
		return m
	}
	return value
}
