package graph_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/graph"
	"github.com/xdpload/xdpload/internal/testobj"
)

// FuzzGraph: no panic, and no name ends a label or begins a line.
func FuzzGraph(f *testing.F) {
	for _, name := range testobj.Names() {
		if b := testobj.Bytes(name); len(b) < 4<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := elf.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var dot, mermaid bytes.Buffer
		_ = graph.Calls(&dot, o, graph.DOT, nil)
		_ = graph.Calls(&mermaid, o, graph.Mermaid, nil)
		for i, p := range o.Programs() {
			if i < 4 {
				_ = graph.Flow(&dot, o, graph.DOT, p)
				_ = graph.Flow(&mermaid, o, graph.Mermaid, p)
			}
		}
		for line := range strings.Lines(dot.String()) {
			bare := strings.NewReplacer(`\\`, "", `\"`, "").Replace(strings.TrimSpace(line))
			if strings.Count(bare, `"`)%2 != 0 || bare != "" && !strings.ContainsAny(bare[len(bare)-1:], ";{}") {
				t.Errorf("DOT: %q", line)
			}
		}
		for line := range strings.Lines(mermaid.String()) {
			if line != "flowchart TD\n" && !strings.HasPrefix(line, "    n") || strings.Count(line, `"`)%2 != 0 {
				t.Errorf("Mermaid: %q", line)
			}
		}
	})
}
