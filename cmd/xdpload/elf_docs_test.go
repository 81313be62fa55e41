package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/graph"
	"github.com/xdpload/xdpload/internal/testobj"
)

// The graphs in the guide to a review are those of the object that it is about.
func TestElfReviewGraphs(t *testing.T) {
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes("tail.o")), "filter.o")
	if err != nil {
		t.Fatal(err)
	}
	last, err := o.Program(elf.Selector{Program: "last"})
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../docs/elf-review.md")
	if err != nil {
		t.Fatal(err)
	}
	var mermaid, calls, flow strings.Builder
	for _, err := range []error{
		graph.Calls(&mermaid, o, graph.Mermaid, nil), graph.Calls(&calls, o, graph.DOT, nil), graph.Flow(&flow, o, graph.DOT, last),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(string(guide), "```mermaid\n"+mermaid.String()+"```\n") {
		t.Errorf("the guide does not have\n%s", &mermaid)
	}
	for file, dot := range map[string]string{"elf-graph-calls.svg": calls.String(), "elf-graph-flow.svg": flow.String()} {
		svg, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(guide), "]("+file+")") {
			t.Errorf("the guide does not show %s", file)
		}
		if drawn, wanted := titles(string(svg)), parts(dot); !slices.Equal(drawn, wanted) {
			t.Errorf("%s draws %v, not %v", file, drawn, wanted)
		}
	}
}

// titles are the nodes and edges of a picture that Graphviz drew.
func titles(svg string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`<title>(n\d+(?:&#45;&gt;n\d+)?)</title>`).FindAllStringSubmatch(svg, -1) {
		all = append(all, strings.ReplaceAll(m[1], "&#45;&gt;", " -> "))
	}
	slices.Sort(all)
	return all
}

// parts are the nodes and edges of a graph in DOT.
func parts(dot string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^\t(n\d+(?: -> n\d+)?)[ ;]`).FindAllStringSubmatch(dot, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return all
}
