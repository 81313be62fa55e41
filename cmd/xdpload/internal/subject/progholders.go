package subject

import (
	"sync"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/mapdata"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
)

// A Hold is what keeps a program loaded, beside pins and hooks.
type Hold struct {
	Links     []*BPFLink   `json:"bpf_links,omitempty" text:"    held by %v\n"`
	Elements  []MapElement `json:"elements,omitempty" text:"    in %v\n"` // of maps, that run it
	Processes []Process    `json:"processes,omitempty" text:"    open in %v\n"`
}

// MapElement is an element of a map of programs, devices or CPUs.
type MapElement struct {
	MapID uint32 `json:"map_id" always:"map id %d"`
	Name  string `json:"map" text:" name %s"`
	Key   uint32 `json:"key" always:" key %d"`
}

func (m MapElement) String() string { return render.Fields(m) }

// ProgramHolds looks for what holds programs, when it is first asked. What this process may
// not look at is left out.
func ProgramHolds(e *env.Env) func(program uint32) *Hold {
	find := sync.OnceValue(func() map[uint32]*Hold { return findHolds(e) })
	return func(program uint32) *Hold { return find()[program] }
}

func findHolds(e *env.Env) map[uint32]*Hold {
	all := make(map[uint32]*Hold)
	of := func(program uint32) *Hold {
		if all[program] == nil {
			all[program] = new(Hold)
		}
		return all[program]
	}
	open, pins := FindHolders(), FindPins(e)
	for program, links := range attach.LinksOfPrograms() {
		for _, l := range links {
			of(program).Links = append(of(program).Links, &BPFLink{ID: l.ID, Pinned: pins.Of(pin.Link, l.ID), Processes: open.Of(pin.Link, l.ID)})
		}
	}
	for id, processes := range open {
		if id.Kind == pin.Program {
			of(id.ID).Processes = processes
		}
	}
	for id, err := range MapIDs() {
		if err != nil {
			break
		}
		eachElement(id, func(program uint32, m MapElement) { of(program).Elements = append(of(program).Elements, m) })
	}
	return all
}

// eachElement tells of the elements of a map that hold a program.
func eachElement(id uint32, tell func(program uint32, m MapElement)) {
	m, err := OpenMapID(id)
	if err != nil {
		return // gone since
	}
	defer m.Close()
	if !mapdata.HoldsPrograms(m.Type()) {
		return
	}
	info, err := m.Info()
	if err != nil {
		return
	}
	for key, program := range mapdata.Programs(m) {
		tell(program, MapElement{id, info.Name, key})
	}
}
