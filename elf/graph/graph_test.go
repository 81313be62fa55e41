package graph_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/graph"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

func read(t testing.TB, name string) *elf.Object {
	t.Helper()
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes(name)), name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func ExampleCalls() {
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes("tail.o")), "tail.o")
	if err != nil {
		panic(err)
	}
	if err := graph.Calls(os.Stdout, o, graph.Mermaid, nil); err != nil {
		panic(err)
	}
	// Output:
	// flowchart TD
	//     n0["entry<br/>xdp.frags"]
	//     n1[("jmp<br/>prog_array")]
	//     n2["tail0<br/>7/0"]
	//     n3["tail1<br/>7/1"]
	//     n4[("hexadecimal<br/>prog_array")]
	//     n5["last<br/>0xabccba/0"]
	//     n6[("counts<br/>array")]
	//     n7["alone<br/>xdp/alone"]
	//     n1 -.->|"[0]"| n2
	//     n1 -.->|"[1]"| n3
	//     n0 --> n1
	//     n2 --> n1
	//     n4 -.->|"[0]"| n5
	//     n3 --> n4
	//     n5 --> n6
}

func TestCalls(t *testing.T) {
	for _, tt := range []struct {
		object, program string
		want            []string
	}{
		{"subprog.o", "", []string{"shape=box, style=rounded", `label="xdp_both\nxdp/both"`}},
		{"callback.o", "", []string{`label="callback", style=dashed`}},
		{"mim.o", "", []string{"shape=cylinder", `[label="[`}},
		{"externs_typed.o", "", []string{`digraph "externs_typed.o" {`}},
		{"two.o", "xdp_drop", []string{`label="xdp_drop\nxdp"`}},
	} {
		t.Run(tt.object, func(t *testing.T) {
			o := read(t, tt.object)
			var program *elf.Program
			if tt.program != "" {
				p, err := o.Program(elf.Selector{Program: tt.program})
				if err != nil {
					t.Fatal(err)
				}
				program = &p
			}
			var b strings.Builder
			if err := graph.Calls(&b, o, graph.DOT, program); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("no %s in\n%s", want, &b)
				}
			}
			if program != nil && strings.Count(b.String(), "label=") != 1 {
				t.Errorf("more than %s in\n%s", tt.program, &b)
			}
		})
	}
}

func TestFlow(t *testing.T) {
	o := read(t, "legacy36.o")
	var b strings.Builder
	if err := graph.Flow(&b, o, graph.Mermaid, o.Programs()[0]); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"flowchart TD\n", "if r0 == 0x0 goto …", `-->|"yes"|`, `-->|"no"|`, "map[second]", "call bpf_map_update_elem", "exit"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	b.Reset()
	if err := graph.Flow(&b, read(t, "tiny_be.o"), graph.DOT, read(t, "tiny_be.o").Programs()[0]); err != nil {
		t.Fatal(err)
	}
	want := "digraph \"xdp_pass\" {\n\tnode [fontname=\"monospace\"];\n\tedge [fontname=\"monospace\"];\n\tn0 [shape=box, label=\"r0 = 2\\lexit\\l\"];\n}\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// Every fixture can be drawn.
func TestEveryFixture(t *testing.T) {
	for _, name := range drawable() {
		drawAll(t, name)
	}
}

// Graphviz can read what it is given.
func TestGraphviz(t *testing.T) {
	bpftest.Need(t, bpftest.Command("dot"))
	for _, name := range drawable() {
		draw(t, name, drawAll(t, name))
	}
}

func drawable() []string {
	return slices.DeleteFunc(testobj.Names(), func(name string) bool {
		return name == "stripped.o" || strings.Contains(name, "fault") || name == "hugelog.o"
	})
}

// drawAll returns all graphs of an object in DOT.
func drawAll(t *testing.T, name string) []byte {
	t.Helper()
	var texts [2]bytes.Buffer
	o := read(t, name)
	for f := range texts {
		if err := graph.Calls(&texts[f], o, graph.Format(f), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, p := range append(o.Programs(), o.Subprograms()...) {
			if err := graph.Flow(&texts[f], o, graph.Format(f), p); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	return texts[graph.DOT].Bytes()
}

func draw(t *testing.T, name string, text []byte) {
	t.Helper()
	cmd := exec.Command("dot", "-Tsvg", "-o", os.DevNull)
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: dot: %v: %s", name, err, out)
	}
}

// A name can be anything; it must not end the text that it stands in.
func TestHostileNames(t *testing.T) {
	b := testobj.Bytes("legacy36_nobtf.o")
	b = bytes.Replace(b, []byte("xdp_legacy"), []byte("xx\"];<b>\n`"), 1)
	o, err := elf.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []graph.Format{graph.DOT, graph.Mermaid} {
		var out strings.Builder
		if err := graph.Calls(&out, o, f, nil); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), `xx"]`) || strings.Contains(out.String(), "<b>\n") {
			t.Errorf("%s:\n%s", f, &out)
		}
	}
}
