package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

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

// WriteText prints a heading and three tables; -brief leaves the sections out.
func (r *objectReport) WriteText(w io.Writer, o render.Options) error {
	types := "no BTF"
	if r.BTF {
		types = "BTF"
	}
	license := "no license"
	if r.License != "" {
		license = "license " + r.License
	}
	if _, err := fmt.Fprintf(w, "%s: %s, %s, %s\n", r.File, r.ByteOrder, license, types); err != nil {
		return err
	}
	tables := []*render.Table{r.programTable(), r.mapTable()}
	if !o.Brief {
		tables = append(tables, r.sectionTable())
	}
	for _, t := range tables {
		if t == nil {
			continue
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		if err := t.WriteText(w, o); err != nil {
			return err
		}
	}
	return nil
}

// programTable is nil when there is no program, as the others are.
func (r *objectReport) programTable() *render.Table {
	if len(r.Programs) == 0 {
		return nil
	}
	t := &render.Table{Right: []int{3}}
	t.Row("PROGRAM", "SECTION", "TYPE", "INSTRUCTIONS")
	for _, p := range r.Programs {
		kind := p.Type
		if kind == "" {
			kind = "by hook"
		}
		if p.Optional {
			kind += ", optional"
		}
		t.Row(p.Name, p.Section, kind, strconv.Itoa(p.Instructions))
	}
	return t
}

func (r *objectReport) mapTable() *render.Table {
	if len(r.Maps) == 0 {
		return nil
	}
	number := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
	t := &render.Table{Right: []int{3, 4, 5, 6}}
	t.Row("MAP", "SECTION", "TYPE", "KEY", "VALUE", "ENTRIES", "FLAGS")
	for _, m := range r.Maps {
		t.Row(m.Name, m.Section, m.Type, number(m.KeySize), number(m.ValueSize), number(m.MaxEntries), fmt.Sprintf("%#x", m.Flags))
	}
	return t
}

func (r *objectReport) sectionTable() *render.Table {
	t := &render.Table{Right: []int{2}}
	t.Row("SECTION", "KIND", "BYTES")
	for _, s := range r.Sections {
		if s.Name != "" {
			t.Row(s.Name, s.Type, strconv.FormatUint(s.Size, 10))
		}
	}
	return t
}
