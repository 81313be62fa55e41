package elf

import "sync"

// maxFunctions bounds a program with the functions that it reaches, itself among them:
// BPF_MAX_SUBPROGS, include/linux/bpf_verifier.h.
const maxFunctions = 256

// tooManyFunctions says that no kernel takes a program.
func tooManyFunctions(fn *part) error {
	return faultIn(fn.section.Name, fn.start, "program %q: more than %d functions, which is as many as a kernel takes of one program", fn.name, maxFunctions)
}

// Reach returns the program and all functions that it calls or takes the address
// of, directly or not, each once, the program first: at most 256. The error is a
// [*FormatError] for the first reference that leads nowhere, or for a program that
// reaches more; what was reached is returned.
func (o *Object) Reach(p Program) ([]Program, error) {
	fn, err := o.functionOf(p)
	if err != nil {
		return nil, o.fault(err)
	}
	var failed error
	reached := []Program{p}
	seen := map[*part]bool{fn: true}
	for todo := []*part{fn}; len(todo) > 0; todo = todo[1:] {
		callees, err := o.calleesOf(todo[0])
		if failed == nil {
			failed = err
		}
		for _, next := range callees {
			switch {
			case seen[next]:
			case len(reached) == maxFunctions:
				return reached, o.fault(tooManyFunctions(fn))
			default:
				seen[next] = true
				todo = append(todo, next)
				reached = append(reached, next.program())
			}
		}
	}
	return reached, o.fault(failed)
}

// Target returns the function that a reference of this object leads to: a call, or the
// address of one.
func (o *Object) Target(r Reference) (p Program, ok bool) {
	if r.Kind != RefCall && r.Kind != RefFunction {
		return p, false
	}
	fn := o.functionIn(r.Section, r.Value)
	if fn == nil {
		return p, false
	}
	return fn.program(), true
}

// calleeTable keeps what the functions refer to that somebody asked about.
type calleeTable struct {
	mu    sync.Mutex
	known map[*part]callees
}

type callees struct {
	funcs []*part // each once
	err   error
}

// calleesOf returns the functions that one calls or takes the address of. The slice is shared.
func (o *Object) calleesOf(fn *part) ([]*part, error) {
	t := &o.callees
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.known[fn]
	if !ok {
		found = o.findCallees(fn)
		if t.known == nil {
			t.known = make(map[*part]callees)
		}
		t.known[fn] = found
	}
	return found.funcs, found.err
}

func (o *Object) findCallees(fn *part) (found callees) {
	refs, err := o.references(fn)
	found.err = err
	seen := make(map[*part]bool)
	for _, r := range refs {
		if r.Kind != RefCall && r.Kind != RefFunction {
			continue
		}
		if next := o.functionIn(r.Section, r.Value); next != nil && !seen[next] {
			seen[next] = true
			found.funcs = append(found.funcs, next)
		}
	}
	return found
}
