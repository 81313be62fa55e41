package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const measuredJSON = `{"kernel":"6.12.1-amd64","cpus":2,"cases":[
 {"name":"swap","contestants":[
  {"tool":"xdpload","spread":{"wall":{"median":0.002},"memory":{"median":8388608}}},
  {"tool":"ip","spread":{"wall":{"median":0.004}},"ratio":{"wall":0.5,"cpu":0.75,"own":0.6,"memory":2}},
  {"tool":"floor","spread":{"wall":{"median":0.001}},"ratio":{"wall":2,"cpu":2,"memory":4}}],
  "goals":[{"metric":"wall","peer":"ip","limit":0.7,"met":true}]}]}`

func TestDocuments(t *testing.T) {
	doc, svg := filepath.Join(t.TempDir(), "d.md"), filepath.Join(t.TempDir(), "d.svg")
	for range 2 { // the second time in place of the first table
		if _, err := os.Stat(doc); err != nil {
			writeFile(t, doc, "before\n"+tableBegin+"old\n"+tableEnd+"after\n")
		}
		if err := run([]string{svg, doc}, strings.NewReader(measuredJSON)); err != nil {
			t.Fatal(err)
		}
	}
	const want = "before\n" + tableBegin + "Linux 6.12.1, 2 CPUs.\n\n" +
		"| case | xdpload ms | MB | floor ms | peer | ms | wall × | CPU × | own × | memory × | goal | |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|\n" +
		"| `swap` | 2.00 | 8.0 | 1.00 | ip | 4.00 | 0.50 | 0.75 | 0.60 | 2.00 | 0.70 | met |\n" + tableEnd + "after\n"
	if got := readFile(t, doc); got != want {
		t.Errorf("the document is\n%s\nwant\n%s", got, want)
	}
	if got := readFile(t, svg); !strings.Contains(got, "swap / ip") || strings.Contains(got, "floor") {
		t.Error("the chart has not the one row of a peer")
	}
}

func TestErrors(t *testing.T) {
	doc := filepath.Join(t.TempDir(), "d.md")
	writeFile(t, doc, "no table\n")
	for _, tt := range []struct {
		name, in, want string
		args           []string
	}{
		{"words", measuredJSON, "usage", []string{"a.svg"}},
		{"not JSON", "x", "standard input", []string{"a.svg", doc}},
		{"no case", "{}", "no case has a peer", []string{"a.svg", doc}},
		{"no place", measuredJSON, "no line", []string{filepath.Join(t.TempDir(), "a.svg"), doc}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := run(tt.args, strings.NewReader(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
