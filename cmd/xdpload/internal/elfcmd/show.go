package elfcmd

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/pin"
)

type elfShowRequest struct{ Files subject.Files }

// Show is the command elf show, which says what is in an object.
func Show() env.Command {
	return env.Command{
		Name:    "elf show|list",
		Options: "brief",
		Summary: "show what is in an object file",
		Description: `Shows the programs of a BPF object file with the functions, helpers, kernel functions and maps that they use; the maps with the types of their entries and the paths at which they would be pinned; the global variables with their initial values; the slots of program arrays; and the sections. It asks no kernel and needs no privilege, and reads objects of either byte order. With -brief it is the programs and maps alone.

In JSON it is an array, also of one FILE. A file that cannot be read does not keep the others from being shown: it is named afterwards, with status 2.`,
		Examples: []grammar.Example{
			{Line: "xdpload elf show foo.o", Help: "all that is in an object"},
			{Line: "xdpload -json elf show foo.o", Help: "the same for a script"},
			{Line: "xdpload -brief elf show *.o", Help: "what there is in a directory"},
		},
		New: env.New(func(r *elfShowRequest) *grammar.Node {
			return r.Files.Grammar()
		}),
	}
}

func (r *elfShowRequest) Run(_ context.Context, e *env.Env) (any, error) {
	reports, err := subject.EachFile(e, r.Files, func(o *elf.Object, name string) (*objectReport, error) {
		report := reportObject(o, pin.At(subject.Bpffs(e)))
		report.File = name
		return report, nil
	})
	return subject.ConcludeFiles(e, reports, err)
}

// objectReport is what is in an object file. A part that cannot be read is
// among the faults; the others are still there.
type objectReport struct {
	File      string          `json:"file"`
	Size      int             `json:"size"` // bytes
	ByteOrder string          `json:"byte_order"`
	License   string          `json:"license"`
	BTF       bool            `json:"btf"`
	Producer  string          `json:"producer,omitempty"`
	Programs  []elfProgram    `json:"programs"`
	Functions []elfProgram    `json:"functions"` // of section .text
	Maps      []elfMap        `json:"maps"`
	Variables []elfVariable   `json:"variables"`
	TailCalls []elfTailCall   `json:"tail_calls"`
	Sections  []sectionReport `json:"sections"`
	Faults    []string        `json:"faults,omitempty"`

	faults names
}

type elfProgram struct {
	Name         string   `json:"name"`
	Section      string   `json:"section"`
	Type         string   `json:"type,omitempty"` // empty: the section's name says none
	Attach       string   `json:"attach_to,omitempty"`
	Instructions int      `json:"instructions"`
	Optional     bool     `json:"optional,omitempty"`
	Static       bool     `json:"static,omitempty"`
	Functions    []string `json:"functions,omitempty"`        // that it calls, directly or not
	Helpers      []string `json:"helpers,omitempty"`          // that it and they call
	Kernel       []string `json:"kernel_functions,omitempty"` // likewise
	Symbols      []string `json:"kernel_variables,omitempty"` // likewise
	Settings     []string `json:"kernel_settings,omitempty"`  // likewise
	Maps         []string `json:"maps,omitempty"`             // that it and they use, with those of variables
	CORE         int      `json:"core_relocations,omitempty"`
}

type elfTailCall struct {
	Map     string `json:"map"`
	Key     uint32 `json:"key"`
	Program string `json:"program"`
}

type sectionReport struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size uint64 `json:"size"` // bytes
}

func reportObject(o *elf.Object, fs *pin.FS) *objectReport {
	r := &objectReport{
		File: o.Name(), Size: o.Size(), ByteOrder: byteOrder(o.ByteOrder()), License: o.License(), BTF: o.HasBTF(), Producer: o.Producer(),
		Programs: []elfProgram{}, Functions: []elfProgram{}, Maps: []elfMap{}, Variables: []elfVariable{},
		TailCalls: []elfTailCall{}, Sections: []sectionReport{},
	}
	uses := &elfUses{o: o, known: make(map[elf.Program]*elfUse)}
	uses.externs, _ = o.Externs() // none, where the types cannot be read
	for _, p := range o.Programs() {
		r.Programs = append(r.Programs, r.Program(uses, p))
	}
	for _, p := range o.Subprograms() {
		r.Functions = append(r.Functions, r.Program(uses, p))
	}
	r.AddMaps(o, fs)
	r.variables(o)
	for _, s := range o.Sections() {
		r.Sections = append(r.Sections, sectionReport{Name: s.Name, Type: s.TypeName(), Size: s.Size})
	}
	return r
}

// fault notes each of the errors that are joined in one, once.
func (r *objectReport) fault(err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			r.fault(e)
		}
		return
	}
	r.faults.add(withoutObject(err))
	r.Faults = r.faults.list
}

// withoutObject is an error of a report that says itself of which object it is.
func withoutObject(err error) string {
	if fe, ok := errors.AsType[*elf.FormatError](err); ok {
		local := *fe
		local.Object = ""
		return env.OneLine(&local)
	}
	return env.OneLine(err)
}

func byteOrder(order binary.ByteOrder) string {
	if order.Uint16([]byte{1, 0}) == 1 {
		return "little endian"
	}
	return "big endian"
}
