package main

import (
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/internal/grammar"
)

// progRef names one program in the kernel.
type progRef struct {
	ID     uint32
	Name   string
	Pinned string
}

func (r *progRef) grammar() *grammar.Node {
	return grammar.Alt(
		grammar.Key("id", "N", grammar.Number(&r.ID, 1, math.MaxUint32)).Help("the program with this id"),
		grammar.Key("name", "NAME", grammar.String(&r.Name)).Help("the only program with this name"),
		grammar.Key("pinned", "PATH", grammar.String(&r.Pinned)).Completes(grammar.Pinned).
			Help("the program that is pinned at this path; m:REST is below the BPF file system's tc directory"),
	)
}

// open opens the program, of any type. The caller closes it.
func (r *progRef) open(e *env) (*xdpload.Program, error) {
	switch {
	case r.Pinned != "":
		return xdpload.OpenPinned(e.pinPath(r.Pinned), ebpf.UnspecifiedProgram)
	case r.ID != 0:
		return xdpload.OpenID(r.ID, ebpf.UnspecifiedProgram)
	}
	id, err := programNamed(r.Name)
	if err != nil {
		return nil, err
	}
	return xdpload.OpenID(id, ebpf.UnspecifiedProgram)
}

// programNamed finds the only program with a name; the kernel keeps 15 bytes of it.
func programNamed(name string) (uint32, error) {
	var found []*xdpload.ProgramInfo
	for p, err := range loadedPrograms() {
		if err != nil {
			return 0, err
		}
		if p.Name == kernelName(name) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("no program has the name %s: %w", name, fs.ErrNotExist)
	case 1:
		return found[0].ID, nil
	}
	lines := make([]string, len(found))
	for i, p := range found {
		lines[i] = fmt.Sprintf("id %d (%v, tag %s)", p.ID, p.Type, p.Tag)
	}
	return 0, fmt.Errorf("%d programs have the name %s: choose one by %s", len(found), name, strings.Join(lines, ", "))
}
