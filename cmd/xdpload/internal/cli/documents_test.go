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
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

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
	m := manual()
	m.Date = released(t)
	for _, page := range commands().ManPages(m) {
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

// released is the date of the newest release that the changelog has, so that a manual page
// says the same on whatever day it is written.
func released(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(docs + "../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	return releasedIn(string(text))
}

var release = regexp.MustCompile(`(?m)^## \[\d\S*\] - (\d{4}-\d\d-\d\d)$`)

func releasedIn(changelog string) string {
	if found := release.FindStringSubmatch(changelog); found != nil {
		return found[1]
	}
	return "unreleased"
}

func TestReleased(t *testing.T) {
	for changelog, want := range map[string]string{
		"## [Unreleased]\n\n- x\n": "unreleased",
		"## [Unreleased]\n\n## [0.2.0] - 2027-02-03\n\n## [0.1.0] - 2027-01-02\n": "2027-02-03",
	} {
		if have := releasedIn(changelog); have != want {
			t.Errorf("%q: %s, want %s", changelog, have, want)
		}
	}
}

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

// TestManPages: groff takes the pages without a warning, and has all their characters
// in a C locale too.
func TestManPages(t *testing.T) {
	bpftest.Need(t, bpftest.Command("groff"))
	for _, page := range commands().ManPages(manual()) {
		for _, device := range []string{"-Tutf8", "-Tascii"} {
			cmd := exec.Command("groff", "-man", device, "-ww", "-z")
			cmd.Stdin = strings.NewReader(page.Text)
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s %s: %v\n%s", page.Name, device, err, out)
			}
		}
	}
}

// TestManPagesASCII: roff reads a byte at a time.
func TestManPagesASCII(t *testing.T) {
	for _, name := range generatedFiles(t) {
		text, err := os.ReadFile(docs + name)
		if err != nil {
			t.Fatal(err)
		}
		beyond := func(r rune) bool { return r >= utf8.RuneSelf }
		if i := bytes.IndexFunc(text, beyond); strings.HasPrefix(name, "man/") && i >= 0 {
			t.Errorf("docs/%s: byte %d is beyond ASCII: %.20q", name, i, text[i:])
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
