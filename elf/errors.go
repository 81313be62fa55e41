package elf

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf/internal/naming"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// NotFoundError says that a Selector chose no program, or could not choose
// between several.
type NotFoundError struct {
	Object   string    // the file as it was given to Open or ReadNamed, or ""
	Selector Selector  // what was asked for
	Msg      string    // what was not found
	Have     []Program // the programs to choose from, in file order
}

// Error returns what was not found and the programs that the object has.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	if e.Object != "" {
		b.WriteString(e.Object + ": ")
	}
	b.WriteString(e.Msg)
	if len(e.Have) > 0 {
		b.WriteString("; it has ")
		writeCandidates(&b, e.Have)
	}
	return b.String()
}

// maxCandidates keeps the message of an object with hundreds of programs readable.
const maxCandidates = 12

func writeCandidates(b *strings.Builder, progs []Program) {
	for i, p := range progs {
		if i == maxCandidates {
			fmt.Fprintf(b, " and %d more", len(progs)-i)
			return
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "%s (section %s)", naming.Clip(p.Name), naming.Clip(p.Section))
	}
}

// TypeError says that a program cannot run at the wanted hook, or was not made for it:
// then [Selector].Force has it loaded all the same.
type TypeError struct {
	Object  string           // the file as it was given to Open or ReadNamed, or ""
	Program Program          // the program that was chosen
	Want    ebpf.ProgramType // what the hook runs
	Context string           // the structure that the program takes, if that says what it is
	Mild    bool             // it could be loaded
}

// Error returns what the program is, and what the hook would need.
func (e *TypeError) Error() string {
	var b strings.Builder
	if e.Object != "" {
		b.WriteString(e.Object + ": ")
	}
	b.WriteString(naming.Sprintf("program %s in section %q ", e.Program.Name, e.Program.Section))
	switch {
	case e.Context != "":
		fmt.Fprintf(&b, "takes a struct %s, which is not what %s programs take", naming.Clip(e.Context), kernelname.Program(e.Want))
	case e.Mild:
		fmt.Fprintf(&b, "%s, and its verdicts mean something else where %s runs", e.Program.purpose(), kernelname.Program(e.Want))
	default:
		fmt.Fprintf(&b, "%s, it cannot run as %s", e.Program.purpose(), kernelname.Program(e.Want))
	}
	return b.String()
}
