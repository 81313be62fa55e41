//go:build !guest

package cli

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/grammar"
)

//go:generate go test -run ^(TestDocuments|TestJSONKeys)$ -update

var update = flag.Bool("update", false, "write the generated documents")

// documents is every generated file below docs, by its path.
func documents(t *testing.T) map[string][]byte {
	t.Helper()
	var reference bytes.Buffer
	if err := commands().WriteMarkdown(&reference, manual()); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"commands.md": reference.Bytes()}
	for _, page := range commands().ManPages(manual()) {
		files["man/"+page.Name] = []byte(page.Text)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		text, err := grammar.Script(shell, "xdpload")
		if err != nil {
			t.Fatal(err)
		}
		files["completions/xdpload."+shell] = []byte(text)
	}
	return files
}

const docs = "../../../../docs/"

// TestDocuments holds what is in docs to the grammar of the commands.
func TestDocuments(t *testing.T) {
	want := documents(t)
	if *update {
		writeDocuments(t, want)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		have, err := os.ReadFile(docs + name)
		switch {
		case errors.Is(err, os.ErrNotExist):
			t.Errorf("docs/%s is missing: make generate", name)
		case err != nil:
			t.Error(err)
		case !bytes.Equal(have, want[name]):
			t.Errorf("docs/%s is stale: make generate", name)
		}
	}
	for _, name := range generatedFiles(t) {
		if want[name] == nil {
			t.Errorf("docs/%s is left over: remove it", name)
		}
	}
}

// generatedFiles is what there is where only generated files are.
func generatedFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, dir := range []string{"man", "completions"} {
		files, err := filepath.Glob(docs + dir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			names = append(names, strings.TrimPrefix(f, docs))
		}
	}
	return names
}

func writeDocuments(t *testing.T, files map[string][]byte) {
	t.Helper()
	for _, name := range generatedFiles(t) {
		if err := os.Remove(docs + name); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(docs+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(docs+name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManPages: groff takes the pages without a warning.
func TestManPages(t *testing.T) {
	bpftest.Need(t, bpftest.Command("groff"))
	for _, page := range commands().ManPages(manual()) {
		cmd := exec.Command("groff", "-man", "-Tutf8", "-ww", "-z")
		cmd.Stdin = strings.NewReader(page.Text)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", page.Name, err, out)
		}
	}
}

// TestEveryWordIsExplained: help and the documents are made of these texts.
func TestEveryWordIsExplained(t *testing.T) {
	for _, c := range commands() {
		if c.Hidden {
			continue
		}
		root, _ := c.Grammar()
		if names := grammar.Undocumented(root); len(names) > 0 {
			t.Errorf("%s: without a help text: %v", c.Title(), names)
		}
		if c.Summary == "" || c.Description == "" || len(c.Examples) == 0 {
			t.Errorf("%s: wants a summary, a description and an example", c.Title())
		}
	}
}

// TestExamples: what the documents show can be typed.
func TestExamples(t *testing.T) {
	for _, c := range commands() {
		for _, example := range c.Examples {
			t.Run(example.Line, func(t *testing.T) { parseExample(t, example.Line) })
		}
	}
}

// parseExample reads the part of a shell's line that is for xdpload.
func parseExample(t *testing.T, line string) {
	t.Helper()
	at := strings.LastIndex(line, "xdpload ")
	if at < 0 {
		t.Fatal("not a line for xdpload")
	}
	line = line[at:]
	if end := strings.IndexAny(line, "|<>)"); end >= 0 {
		line = line[:end]
	}
	for words, err := range grammar.Lines(strings.NewReader(line)) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(&env.Env{Tool: env.ToolXDPLoad}, words.Words[1:]); err != nil {
			t.Error(err)
		}
	}
}
