package load

import (
	"slices"
	"sync"

	"github.com/cilium/ebpf"
)

// sharedMaps are the maps of a verification, made when a program first needs
// them.
type sharedMaps struct {
	mu   sync.Mutex
	made map[string]func() (*ebpf.Map, error)
}

// provide gives a loader the maps of its spec.
func (s *sharedMaps) provide(l *loader) error {
	l.maps = map[string]*ebpf.Map{}
	for name, spec := range l.spec.Maps {
		m, err := s.find(name, func() (*ebpf.Map, error) {
			setVariables(spec, l.spec.Variables, name)
			return l.createMap(spec)
		}, holdsPrograms(spec))
		if err != nil {
			return &Error{Map: name, Err: err}
		}
		l.maps[name] = m
	}
	return nil
}

// find returns a descriptor of its own for a map.
func (s *sharedMaps) find(name string, create func() (*ebpf.Map, error), private bool) (*ebpf.Map, error) {
	if private {
		return create()
	}
	s.mu.Lock()
	if s.made == nil {
		s.made = map[string]func() (*ebpf.Map, error){}
	}
	made := s.made[name]
	if made == nil {
		made = sync.OnceValues(create)
		s.made[name] = made
	}
	s.mu.Unlock()
	m, err := made()
	if err != nil {
		return nil, err
	}
	return m.Clone()
}

// holdsPrograms reports whether the kernel ties the map to the kind of the
// first program that uses it (kernel/bpf/core.c, bpf_prog_map_compatible).
func holdsPrograms(spec *ebpf.MapSpec) bool {
	return slices.Contains([]ebpf.MapType{ebpf.ProgramArray, ebpf.CPUMap, ebpf.DevMap, ebpf.DevMapHash}, spec.Type)
}

func (s *sharedMaps) close() {
	for _, made := range s.made {
		if m, err := made(); err == nil {
			m.Close()
		}
	}
}
