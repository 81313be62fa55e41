package subject

import (
	"errors"
	"os"
	"strings"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// LinkPathGrammar is the word link and the path at which a bpf_link is pinned.
func LinkPathGrammar(path *string) *grammar.Node {
	return grammar.Key("link", "PATH", grammar.String(path)).Completes(grammar.File).
		Help("attach by a bpf_link that is pinned at this path: the program stays until the pin is removed; with -force the link that is pinned there is updated in place")
}

// absent tells that what was to be detached is not attached, or that its pin is
// not there.
func absent(err error) bool {
	if x, ok := errors.AsType[*attach.AnchorError](err); ok {
		return x.Missing
	}
	x, ok := errors.AsType[*os.PathError](err)
	return ok && errors.Is(x, os.ErrNotExist)
}

// AbsentDevice tells that a namespace has no device of the name.
func AbsentDevice(err error) bool {
	_, ok := errors.AsType[*env.DeviceError](err)
	return ok && errors.Is(err, os.ErrNotExist)
}

// Selection is an object file and the program of it that is meant, with more
// options.
func (r *ProgramRequest) Selection(help string, more ...*grammar.Node) *grammar.Node {
	return r.ObjectGrammar(help, func() *grammar.Node { return grammar.Any(append(r.choice(), more...)...) })
}

// ObjectGrammar is an object file and its options. A name that ends in .o is one without a
// word before it.
func (r *ProgramRequest) ObjectGrammar(help string, options func() *grammar.Node) *grammar.Node {
	isObject := func(word string) bool { return strings.HasSuffix(word, ".o") }
	return grammar.Alt(
		grammar.Word("object-file", grammar.Value("FILE", grammar.String(&r.File)).Completes(grammar.File)).
			Later(options).Alias("object", "obj").
			Help(help+"; - is standard input; the word may be left out before a name that ends in .o"),
		grammar.Seq(grammar.Value("FILE", grammar.String(&r.File)).Accept(isObject).Hidden()).Later(options).Hidden(),
	)
}

// choice is the words that choose a program of an object.
func (r *ProgramRequest) choice() []*grammar.Node {
	return []*grammar.Node{
		grammar.Key("section", "NAME", grammar.String(&r.Section)).Completes(grammar.Section).
			Help("the program in this section, the first of several"),
		grammar.Key("program", "NAME", grammar.String(&r.Program)).Completes(grammar.Program).
			Help("the program with this name"),
		TypeGrammar(&r.As, "the program's type, if its section or the structure that it takes says another"),
	}
}

// Conclude prints what a check has found, and makes the status that of a
// refusal if there are problems.
func Conclude(e *env.Env, report any, problems int) (any, error) {
	if problems == 0 {
		return report, nil
	}
	return e.Refuse(report, errors.New(Count(problems, "problem")))
}

// OpOpenPin is the operation of the *os.PathError about what is pinned.
const OpOpenPin = "open pin"

// AsksDriver reports whether a line of the verifier's log says that the program
// is to be bound to a device.
func AsksDriver(line string) bool {
	return strings.Contains(line, "metadata kfuncs require device-bound program")
}

// DeviceGrammar is the name of a device, with or without the word before it.
func DeviceGrammar(name *string) *grammar.Node {
	return grammar.Seq(
		grammar.Opt(grammar.Word("dev").Exact().Help("may be left out before the name of a device")),
		grammar.Value("DEV", grammar.String(name)).Completes(grammar.Device).Help("the device's name"),
	)
}
