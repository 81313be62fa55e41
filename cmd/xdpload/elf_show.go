package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

type elfShowRequest struct {
	File string
}

func elfShowCommand() command {
	return command{
		Name:        "elf show|list",
		Summary:     "show what is in an object file",
		Description: `Shows the programs, maps and sections of a BPF object file. It asks no kernel and takes no privilege, and reads objects of either byte order.`,
		Examples: []grammar.Example{
			{Line: "xdpload elf show foo.o", Help: "programs, maps and sections"},
			{Line: "xdpload -json elf show foo.o", Help: "the same for a script"},
		},
		New: func() (*grammar.Node, runner) {
			r := new(elfShowRequest)
			return grammar.Value("FILE", grammar.String(&r.File)).Completes(grammar.File).
				Help("an object file, or - for standard input"), r.run
		},
	}
}

func (r *elfShowRequest) run(_ context.Context, e *env) (any, error) {
	p := programRequest{File: r.File, FD: -1}
	obj, err := p.object(e)
	if err != nil {
		return nil, err
	}
	return reportObject(obj)
}

// objectReport is what is in an object file.
type objectReport struct {
	File      string          `json:"file"`
	ByteOrder string          `json:"byte_order"`
	License   string          `json:"license"`
	BTF       bool            `json:"btf"`
	Programs  []elfProgram    `json:"programs"`
	Maps      []elfMap        `json:"maps"`
	Sections  []sectionReport `json:"sections"`
}

type elfProgram struct {
	Name         string `json:"name"`
	Section      string `json:"section"`
	Type         string `json:"type,omitempty"` // empty: the section's name says none
	Instructions int    `json:"instructions"`
	Optional     bool   `json:"optional,omitempty"`
	Static       bool   `json:"static,omitempty"`
}

type elfMap struct {
	Name       string `json:"name"`
	Section    string `json:"section"`
	Type       string `json:"type"`
	KeySize    uint32 `json:"key_size"`
	ValueSize  uint32 `json:"value_size"`
	MaxEntries uint32 `json:"max_entries"`
	Flags      uint32 `json:"flags"`
}

type sectionReport struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size uint64 `json:"size"` // bytes
}

func reportObject(obj *elf.Object) (*objectReport, error) {
	maps, err := obj.Maps()
	if err != nil {
		return nil, err
	}
	r := &objectReport{
		File: obj.Name(), ByteOrder: byteOrder(obj), License: obj.License(), BTF: obj.HasBTF(),
		Programs: []elfProgram{}, Maps: []elfMap{}, Sections: []sectionReport{},
	}
	for _, p := range obj.Programs() {
		r.Programs = append(r.Programs, elfProgram{
			Name: p.Name, Section: p.Section, Type: programType(p.Type),
			Instructions: p.Instructions, Optional: p.Optional, Static: p.Static,
		})
	}
	for _, m := range maps {
		r.Maps = append(r.Maps, elfMap{
			Name: m.Name, Section: m.Section, Type: m.Type.String(), KeySize: m.KeySize,
			ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Flags: m.Flags,
		})
	}
	for _, s := range obj.Sections() {
		r.Sections = append(r.Sections, sectionReport{Name: s.Name, Type: s.Type.String(), Size: s.Size})
	}
	return r, nil
}

func byteOrder(obj *elf.Object) string {
	if obj.ByteOrder().Uint16([]byte{1, 0}) == 1 {
		return "little endian"
	}
	return "big endian"
}

func programType(t ebpf.ProgramType) string {
	if t == ebpf.UnspecifiedProgram {
		return ""
	}
	return t.String()
}

// WriteText prints a heading and three tables.
func (r *objectReport) WriteText(w io.Writer, o render.Options) error {
	types := "no BTF"
	if r.BTF {
		types = "BTF"
	}
	license := "no license"
	if r.License != "" {
		license = "license " + r.License
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "%s: %s, %s, %s\n", r.File, r.ByteOrder, license, types)
	r.writePrograms(tw)
	r.writeMaps(tw)
	if !o.Brief {
		r.writeSections(tw)
	}
	return tw.Flush()
}

func (r *objectReport) writePrograms(w io.Writer) {
	if len(r.Programs) > 0 {
		fmt.Fprint(w, "\nPROGRAM\tSECTION\tTYPE\tINSTRUCTIONS\n")
	}
	for _, p := range r.Programs {
		kind := p.Type
		if kind == "" {
			kind = "by hook"
		}
		if p.Optional {
			kind += ", optional"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", p.Name, p.Section, kind, p.Instructions)
	}
}

func (r *objectReport) writeMaps(w io.Writer) {
	if len(r.Maps) > 0 {
		fmt.Fprint(w, "\nMAP\tSECTION\tTYPE\tKEY\tVALUE\tENTRIES\tFLAGS\n")
	}
	for _, m := range r.Maps {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%#x\n", m.Name, m.Section, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags)
	}
}

func (r *objectReport) writeSections(w io.Writer) {
	fmt.Fprint(w, "\nSECTION\tKIND\tBYTES\n")
	for _, s := range r.Sections {
		if s.Name != "" {
			fmt.Fprintf(w, "%s\t%s\t%d\n", s.Name, s.Type, s.Size)
		}
	}
}
