package elfcmd

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/internal/render"
)

// WriteText prints a heading and a table for each kind of thing; -brief leaves
// all but programs and maps out.
func (r *objectReport) WriteText(t *render.Text, o render.Options) {
	r.heading(t)
	r.writePrograms(t)
	if !o.Brief {
		r.writeUses(t)
	}
	r.writeMaps(t)
	if !o.Brief {
		r.writeContents(t)
		r.writeFunctions(t)
		r.writeVariables(t)
		r.writeSections(t)
	}
	for _, f := range r.Faults {
		t.Printf("\nfault: %s\n", f)
	}
}

func (r *objectReport) heading(t *render.Text) {
	types, license := "no BTF", "no license"
	if r.BTF {
		types = "BTF"
	}
	if r.License != "" {
		license = "license " + r.License
	}
	t.Printf("%s: %s, %s, %s, %s", r.File, r.ByteOrder, license, types, render.Bytes(uint64(r.Size)))
	t.If(r.Producer != "", "\n    by %s", r.Producer)
	t.WriteByte('\n')
}

// writeTable prints a row for each thing, with a heading, and nothing for none. The
// columns that right lists are flush right.
func writeTable[T any](t *render.Text, head string, right []int, list []T, row func(T) []string) {
	if len(list) == 0 {
		return
	}
	table := render.Table{Right: right}
	table.Row(strings.Fields(head)...)
	for _, v := range list {
		table.Row(row(v)...)
	}
	t.WriteByte('\n')
	table.WriteText(t, render.Options{})
}

func (r *objectReport) writePrograms(t *render.Text) {
	writeTable(t, "PROGRAM SECTION TYPE INSTRUCTIONS", []int{3}, r.Programs, func(p elfProgram) []string {
		kind := cmp.Or(p.Type, "by hook")
		if p.Optional {
			kind += ", optional"
		}
		return []string{p.Name, p.Section, kind, strconv.Itoa(p.Instructions)}
	})
}

func (r *objectReport) writeFunctions(t *render.Text) {
	writeTable(t, "FUNCTION LINKAGE INSTRUCTIONS", []int{2}, r.Functions, func(p elfProgram) []string {
		linkage := "global"
		if p.Static {
			linkage = "static"
		}
		return []string{p.Name, linkage, strconv.Itoa(p.Instructions)}
	})
}

// writeUses lists what each program uses, where it uses anything.
func (r *objectReport) writeUses(t *render.Text) {
	for _, p := range r.Programs {
		var parts []string
		for _, use := range []struct {
			what  string
			names []string
		}{
			{"maps", p.Maps},
			{"helpers", p.Helpers},
			{"functions", p.Functions},
			{"kernel functions", p.Kernel},
			{"kernel variables", p.Symbols},
			{"kernel settings", p.Settings},
		} {
			if len(use.names) > 0 {
				parts = append(parts, use.what+" "+strings.Join(use.names, ", "))
			}
		}
		if p.CORE > 0 {
			parts = append(parts, fmt.Sprintf("%d CO-RE relocations", p.CORE))
		}
		t.If(len(parts) > 0, "\n%s uses\n", p.Name)
		for _, part := range parts {
			wrap(t, part)
		}
	}
}

// textWidth is how wide lists are set, in columns.
const textWidth = 80

// wrap writes words on lines that fit, four blanks in, and eight for those that go on.
func wrap(t *render.Text, text string) {
	at := 4
	t.WriteString("    ")
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > textWidth:
			t.WriteString("\n        ")
			at = 8
		default:
			t.WriteByte(' ')
			at++
		}
		t.WriteString(word)
		at += len(word)
	}
	t.WriteByte('\n')
}

func (r *objectReport) writeMaps(t *render.Text) {
	writeTable(t, "MAP SECTION TYPE KEY VALUE ENTRIES FLAGS", []int{3, 4, 5, 6}, r.Maps, func(m elfMap) []string {
		return []string{
			m.Name, m.Section, m.Type, fmt.Sprint(m.KeySize), fmt.Sprint(m.ValueSize), fmt.Sprint(m.MaxEntries), fmt.Sprintf("%#x", m.Flags),
		}
	})
}

// writeContents lists what there is to say about a map beside its numbers.
func (r *objectReport) writeContents(t *render.Text) {
	for _, m := range r.Maps {
		var parts []string
		if m.Key != "" || m.Value != "" {
			parts = append(parts, fmt.Sprintf("from %s to %s", cmp.Or(m.Key, "bytes"), cmp.Or(m.Value, "bytes")))
		}
		if m.Inner != "" {
			parts = append(parts, "maps of type "+m.Inner)
		}
		if m.Pinning != "" {
			parts = append(parts, fmt.Sprintf("pinned (%s) at %s", m.Pinning, cmp.Or(m.Path, "a place that "+pinDatabases[0]+" does not name")))
		}
		for _, s := range m.Contents {
			parts = append(parts, fmt.Sprintf("[%d] %s", s.Key, s.Name))
		}
		t.If(len(parts) > 0, "\n%s\n", m.Name)
		for _, part := range parts {
			t.Printf("    %s\n", part)
		}
	}
}

func (r *objectReport) writeVariables(t *render.Text) {
	writeTable(t, "VARIABLE SECTION TYPE BYTES VALUE", []int{3}, r.Variables, func(v elfVariable) []string {
		return []string{v.Name, v.Section, cmp.Or(v.Type, "unknown"), strconv.FormatUint(v.Size, 10), v.Value}
	})
}

func (r *objectReport) writeSections(t *render.Text) {
	named := slices.DeleteFunc(slices.Clone(r.Sections), func(s sectionReport) bool { return s.Name == "" })
	writeTable(t, "SECTION KIND BYTES", []int{2}, named, func(s sectionReport) []string {
		return []string{s.Name, s.Type, strconv.FormatUint(s.Size, 10)}
	})
}
