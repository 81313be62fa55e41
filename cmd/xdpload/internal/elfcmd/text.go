package elfcmd

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/internal/render"
)

// WriteText prints a heading and a table for each kind of thing; -brief leaves
// all but programs and maps out.
func (r *objectReport) WriteText(w io.Writer, o render.Options) error {
	var b strings.Builder
	r.heading(&b)
	tables := []*render.Table{r.programTable(), r.mapTable()}
	if !o.Brief {
		tables = append(tables, r.functionTable(), r.variableTable(), r.sectionTable())
	}
	for i, t := range tables {
		if t != nil {
			b.WriteByte('\n')
			if err := t.WriteText(&b, o); err != nil {
				return err
			}
		}
		switch {
		case o.Brief:
		case i == 0:
			r.writeUses(&b)
		case i == 1:
			r.writeMaps(&b)
		}
	}
	for _, f := range r.Faults {
		fmt.Fprintf(&b, "\nfault: %s\n", f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *objectReport) heading(b *strings.Builder) {
	types, license := "no BTF", "no license"
	if r.BTF {
		types = "BTF"
	}
	if r.License != "" {
		license = "license " + r.License
	}
	fmt.Fprintf(b, "%s: %s, %s, %s, %s", r.File, r.ByteOrder, license, types, render.Bytes(uint64(r.Size)))
	if r.Producer != "" {
		fmt.Fprintf(b, "\n    by %s", r.Producer)
	}
	b.WriteByte('\n')
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

func (r *objectReport) functionTable() *render.Table {
	if len(r.Functions) == 0 {
		return nil
	}
	t := &render.Table{Right: []int{2}}
	t.Row("FUNCTION", "LINKAGE", "INSTRUCTIONS")
	for _, p := range r.Functions {
		linkage := "global"
		if p.Static {
			linkage = "static"
		}
		t.Row(p.Name, linkage, strconv.Itoa(p.Instructions))
	}
	return t
}

// writeUses lists what each program uses, where it uses anything.
func (r *objectReport) writeUses(b *strings.Builder) {
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
		} {
			if len(use.names) > 0 {
				parts = append(parts, use.what+" "+strings.Join(use.names, ", "))
			}
		}
		if p.CORE > 0 {
			parts = append(parts, fmt.Sprintf("%d CO-RE relocations", p.CORE))
		}
		if len(parts) > 0 {
			fmt.Fprintf(b, "\n%s uses\n", p.Name)
			for _, part := range parts {
				wrap(b, part)
			}
		}
	}
}

// textWidth is how wide lists are set, in columns.
const textWidth = 80

// wrap writes words on lines that fit, four blanks in, and eight for those that go on.
func wrap(b *strings.Builder, text string) {
	at := 4
	b.WriteString("    ")
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > textWidth:
			b.WriteString("\n        ")
			at = 8
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	b.WriteByte('\n')
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

// writeMaps lists what there is to say about a map beside its numbers.
func (r *objectReport) writeMaps(b *strings.Builder) {
	for _, m := range r.Maps {
		var parts []string
		if m.Key != "" || m.Value != "" {
			parts = append(parts, fmt.Sprintf("from %s to %s", either(m.Key, "bytes"), either(m.Value, "bytes")))
		}
		if m.Inner != "" {
			parts = append(parts, "maps of type "+m.Inner)
		}
		if m.Pinning != "" {
			parts = append(parts, fmt.Sprintf("pinned (%s) at %s", m.Pinning, either(m.Path, "a place that "+pinDatabases[0]+" does not name")))
		}
		for _, s := range m.Contents {
			parts = append(parts, fmt.Sprintf("[%d] %s", s.Key, s.Name))
		}
		if len(parts) > 0 {
			fmt.Fprintf(b, "\n%s\n", m.Name)
			for _, part := range parts {
				fmt.Fprintf(b, "    %s\n", part)
			}
		}
	}
}

func (r *objectReport) variableTable() *render.Table {
	if len(r.Variables) == 0 {
		return nil
	}
	t := &render.Table{Right: []int{3}}
	t.Row("VARIABLE", "SECTION", "TYPE", "BYTES", "VALUE")
	for _, v := range r.Variables {
		t.Row(v.Name, v.Section, either(v.Type, "unknown"), strconv.FormatUint(v.Size, 10), v.Value)
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
