package elf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf/internal/naming"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// Selector chooses one program of an object. The zero value chooses the only
// program.
type Selector struct {
	Section string // the section's name; of several functions in it the first is chosen
	Program string // the function's name; with Section both must agree

	// Type is what the hook runs. The program is loaded as this type, unless its section
	// or what it takes says that it is of another: see [TypeError]. UnspecifiedProgram
	// takes the section's word.
	Type ebpf.ProgramType
	// Force loads a program that is of another type as Type all the same, if it can be.
	Force bool
}

// Program returns the program that s chooses. With neither section nor program
// named, it is the first program in the section that iproute2 looks for
// ("prog"; "classifier" and "action" for tc), else the only program of the wanted
// type. An error is a [*NotFoundError], or a [*TypeError] when
// the program cannot run at the wanted hook.
func (o *Object) Program(s Selector) (Program, error) {
	f, err := o.choose(s)
	if err != nil {
		return Program{}, err
	}
	return f.program(), nil
}

// Others returns the other programs of the section that the program was chosen by, as the first
// of several. There are none for one that was chosen by its name.
func (o *Object) Others(s Selector) (others []Program) {
	f, err := o.find(s)
	if err != nil || s.Program != "" {
		return nil
	}
	for i := range o.funcs {
		if g := &o.funcs[i]; g != f && !g.static && g.section.Name == f.section.Name {
			others = append(others, g.program())
		}
	}
	return others
}

func (o *Object) choose(s Selector) (*part, error) {
	f, err := o.find(s)
	if err != nil {
		return nil, err
	}
	return f, o.checkType(f, s)
}

func (o *Object) find(s Selector) (*part, error) {
	switch {
	case s.Section != "":
		return o.findInSection(s)
	case s.Program != "":
		return o.findByName(s)
	}
	return o.findDefault(s)
}

// findInSection takes the exact name first, then the optional section of that name.
func (o *Object) findInSection(s Selector) (*part, error) {
	for _, name := range []string{s.Section, "?" + s.Section} {
		match := o.filter(func(f *part) bool {
			return f.section.Name == name && (s.Program == "" || f.name == s.Program)
		})
		if len(match) > 0 {
			return firstGlobal(match), nil
		}
	}
	msg := naming.Sprintf("no section %q", s.Section)
	switch {
	case s.Program != "" && o.section(s.Section) != nil:
		msg = naming.Sprintf("no program %q in section %q", s.Program, s.Section)
	case o.section(s.Section) != nil:
		msg = naming.Sprintf("no program in section %q", s.Section)
	}
	return nil, o.notFound(s, msg)
}

// findByName takes a function of ".text" only when no program has the name.
func (o *Object) findByName(s Selector) (*part, error) {
	match := o.filter(func(f *part) bool { return f.name == s.Program && f.section.Name != textSection })
	if len(match) == 0 {
		match = o.filter(func(f *part) bool { return f.name == s.Program })
	}
	switch len(match) {
	case 1:
		return match[0], nil
	case 0:
		return nil, o.notFound(s, naming.Sprintf("no program %q", s.Program))
	}
	return nil, o.ambiguous(s, naming.Sprintf("%d programs are called %q", len(match), s.Program), match)
}

// findDefault follows iproute2's default section, then takes what is unmistakable.
func (o *Object) findDefault(s Selector) (*part, error) {
	if name := defaultSection(s.Type); name != "" {
		match := o.filter(func(f *part) bool { return f.section.Name == name })
		if len(match) > 0 {
			return firstGlobal(match), nil
		}
	}
	all := o.filter(func(f *part) bool { return f.section.Name != textSection && !f.optional() })
	match := all
	if s.Type != ebpf.UnspecifiedProgram {
		match = slices.DeleteFunc(slices.Clone(all), func(f *part) bool {
			p := f.program()
			return p.Type != s.Type || !p.RunsOn(s.Type)
		})
	}
	switch {
	case len(match) == 1:
		return match[0], nil
	case len(match) > 1:
		return nil, o.ambiguous(s, fmt.Sprintf("%d programs to choose from", len(match)), match)
	case len(all) == 1 && (s.Force || all[0].program().Type == ebpf.UnspecifiedProgram):
		return all[0], nil
	case s.Force && len(all) > 1: // whatever their types are
		return nil, o.ambiguous(s, fmt.Sprintf("%d programs to choose from", len(all)), all)
	case len(o.Programs()) == 0:
		return nil, o.notFound(s, "no program in the object")
	}
	return nil, o.notFound(s, fmt.Sprintf("no %s program in the object", kernelname.Program(s.Type)))
}

// defaultSection is what iproute2 takes when no section is named (lib/bpf_legacy.c).
func defaultSection(t ebpf.ProgramType) string {
	switch t {
	case ebpf.SchedCLS:
		return "classifier"
	case ebpf.SchedACT:
		return "action"
	case ebpf.XDP, ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit, ebpf.LWTSeg6Local, ebpf.UnspecifiedProgram:
		return "prog"
	default:
		return ""
	}
}

func (o *Object) filter(keep func(*part) bool) []*part {
	var match []*part
	for i := range o.funcs {
		if f := &o.funcs[i]; keep(f) {
			match = append(match, f)
		}
	}
	return match
}

func (o *Object) notFound(s Selector, msg string) error {
	have := o.Programs()
	if len(have) == 0 {
		have = o.Subprograms()
	}
	return &NotFoundError{Object: o.path, Selector: s, Msg: msg, Have: have}
}

func (o *Object) ambiguous(s Selector, msg string, match []*part) error {
	have := make([]Program, len(match))
	for i, f := range match {
		have[i] = f.program()
	}
	return &NotFoundError{Object: o.path, Selector: s, Msg: msg, Have: have}
}

// String returns the words of the command line that make the selector, such as
// `section "xdp" program "xdp_pass"`.
func (s Selector) String() string {
	var words []string
	if s.Section != "" {
		words = append(words, fmt.Sprintf("section %q", s.Section))
	}
	if s.Program != "" {
		words = append(words, fmt.Sprintf("program %q", s.Program))
	}
	return strings.Join(words, " ")
}
