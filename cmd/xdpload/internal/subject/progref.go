package subject

import (
	"fmt"
	"math"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/prog"
)

// ProgRef names one program in the kernel.
type ProgRef struct {
	ID     uint32
	Name   string
	Pinned string
}

// Grammar is the alternatives that name a program; what cannot be taken for another word
// needs none before it.
func (r *ProgRef) Grammar() *grammar.Node {
	return grammar.Alt(append(r.loadedGrammar(),
		grammar.Key("pinned", "PATH", grammar.String(&r.Pinned)).Completes(grammar.Pinned).
			Help("the program that is pinned at this path; m:REST is below the BPF file system's tc directory"),
		grammar.Value("PATH", grammar.String(&r.Pinned)).Accept(LooksLikePath).Completes(grammar.Pinned).Help("the same"),
		r.BareGrammar(),
	)...)
}

// loadedGrammar is the words for a loaded program. They are not shortened: where a filter
// or an action runs one, i and n are other words.
func (r *ProgRef) loadedGrammar() []*grammar.Node {
	return []*grammar.Node{
		grammar.Key("id", "N", grammar.Number(&r.ID, 1, math.MaxUint32)).Exact().Completes(grammar.LoadedProgramID).
			Help("the loaded program with this id"),
		grammar.Key("name", "NAME", grammar.String(&r.Name)).Exact().Completes(grammar.LoadedProgram).
			Help("the loaded program with this name, if there is only one"),
	}
}

// BareGrammar is the name or id alone.
func (r *ProgRef) BareGrammar() *grammar.Node {
	return grammar.Value("NAME|N", idOrName(&r.ID, &r.Name)).Accept(looksLikeName).Completes(grammar.LoadedProgram).
		Help("the loaded program with this name, or this id")
}

// LooksLikePath tells the path of a pin from a name.
func LooksLikePath(word string) bool {
	return strings.HasPrefix(word, "/") || strings.HasPrefix(word, "m:")
}

// looksLikeName reports whether a word is a number, or what the kernel takes for a name
// (bpf_obj_name_cpy in kernel/bpf/syscall.c).
func looksLikeName(word string) bool {
	for _, c := range []byte(word) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '.' {
			return false
		}
	}
	return word != ""
}

// idOrName stores a number as an id, and any other word as a name.
func idOrName(id *uint32, name *string) func(string) error {
	return func(word string) error {
		if strings.Trim(word, "0123456789") == "" {
			return grammar.Number(id, 1, math.MaxUint32)(word)
		}
		*name = word
		return nil
	}
}

// Open opens the program, of any type. The caller closes it.
func (r *ProgRef) Open(e *env.Env) (*prog.Program, error) {
	return r.openAs(e, ebpf.UnspecifiedProgram)
}

// openAs opens the program of a type.
func (r *ProgRef) openAs(e *env.Env, want ebpf.ProgramType) (*prog.Program, error) {
	if r.Pinned != "" {
		return prog.OpenPinned(PinPath(e, r.Pinned), want)
	}
	id, err := r.Find(want)
	if err != nil {
		return nil, err
	}
	return prog.OpenID(id, want)
}

// Find returns the id of a program that goes by name or id.
func (r *ProgRef) Find(want ebpf.ProgramType) (id uint32, err error) {
	if r.ID != 0 {
		return r.ID, nil
	}
	return programNamed(r.Name, want)
}

// Numbered reports whether it goes by name or id.
func (r *ProgRef) Numbered() bool { return r.ID != 0 || r.Name != "" }

// programNamed finds the only program with a name, of a type if one is wanted.
func programNamed(name string, want ebpf.ProgramType) (uint32, error) {
	found, err := ProgramsNamed(name)
	if err != nil {
		return 0, err
	}
	kind := ""
	if want != ebpf.UnspecifiedProgram {
		kind = " of type " + typeWord(want)
	}
	var lines []string
	var id uint32
	for _, p := range found {
		if want == ebpf.UnspecifiedProgram || p.Type == want {
			id = p.ID
			lines = append(lines, fmt.Sprintf("id %d (%s, tag %s)", p.ID, kernelname.Program(p.Type), p.Tag))
		}
	}
	several := fmt.Sprintf("%d programs%s have the name %s", len(lines), kind, name)
	return id, only(lines, fmt.Sprintf("no program%s has the name %s", kind, name), several)
}
