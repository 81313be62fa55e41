package subject

import (
	"fmt"
	"math"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/prog"
)

// ProgRef names one program in the kernel.
type ProgRef struct {
	ID     uint32
	Name   string
	Pinned string
}

// Grammar is the alternatives that name a program.
func (r *ProgRef) Grammar() *grammar.Node {
	return grammar.Alt(
		grammar.Key("id", "N", grammar.Number(&r.ID, 1, math.MaxUint32)).Help("the program with this id"),
		grammar.Key("name", "NAME", grammar.String(&r.Name)).Help("the only program with this name"),
		grammar.Key("pinned", "PATH", grammar.String(&r.Pinned)).Completes(grammar.Pinned).
			Help("the program that is pinned at this path; m:REST is below the BPF file system's tc directory"),
	)
}

// Open opens the program, of any type. The caller closes it.
func (r *ProgRef) Open(e *env.Env) (*prog.Program, error) {
	if r.Pinned != "" {
		return prog.OpenPinned(PinPath(e, r.Pinned), ebpf.UnspecifiedProgram)
	}
	id, err := r.ID, error(nil)
	if id == 0 {
		id, err = programNamed(r.Name)
	}
	if err != nil {
		return nil, err
	}
	return prog.OpenID(id, ebpf.UnspecifiedProgram)
}

// programNamed finds the only program with a name.
func programNamed(name string) (uint32, error) {
	found, err := ProgramsNamed(name)
	if err != nil {
		return 0, err
	}
	lines := make([]string, len(found))
	for i, p := range found {
		lines[i] = fmt.Sprintf("id %d (%v, tag %s)", p.ID, p.Type, p.Tag)
	}
	several := fmt.Sprintf("%d programs have the name %s", len(found), name)
	if err := only(lines, "no program has the name "+name, several); err != nil {
		return 0, err
	}
	return found[0].ID, nil
}
