// Package tools holds the module of the tools that the project is checked with.
package tools

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A planted file breaks one rule, or none when want is empty.
type planted struct {
	path   string
	source string
	want   string // what the linter says of the file
}

// TestForbidden plants one violation of each rule in a skeleton of the tree, and
// fails for each one that the linter does not name.
func TestForbidden(t *testing.T) {
	issues := lint(t, forbiddenCode)
	for _, f := range forbiddenCode {
		if !named(issues, f) {
			t.Errorf("%s: nothing says %q of\n%s", f.path, f.want, f.source)
		}
	}
	if t.Failed() {
		t.Logf("the linter's words:\n%s", strings.Join(issues, "\n"))
	}
}

// TestAllowed fails for every complaint about calls in their place.
func TestAllowed(t *testing.T) {
	for _, issue := range lint(t, allowedCode) {
		t.Error(issue)
	}
}

func named(issues []string, f planted) bool {
	for _, issue := range issues {
		if strings.HasPrefix(issue, f.path+":") && strings.Contains(issue, f.want) {
			return true
		}
	}
	return false
}

// lint runs the linter over a module that has the project's configuration, its
// dependencies and the given files, and returns one line for each issue.
func lint(t *testing.T, files []planted) []string {
	t.Helper()
	dir := skeleton(t, files)
	tools, err := filepath.Abs("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile="+tools, "golangci-lint",
		"run", "--allow-parallel-runners", "--show-stats=false", "--output.text.print-issued-lines=false", "./...")
	cmd.Dir = dir
	cmd.Stderr = new(bytes.Buffer)
	out, err := cmd.Output()
	if err == nil {
		return nil
	}
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || strings.Contains(string(out), "(typecheck)") {
		t.Fatalf("golangci-lint: %v\n%s%s", err, out, cmd.Stderr)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func skeleton(t *testing.T, files []planted) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", ".golangci.yml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(text))
	}
	for _, f := range files {
		pkg := filepath.Dir(f.path)
		write(t, filepath.Join(dir, pkg, "doc.go"), "// Package "+packageName(pkg)+" is empty.\npackage "+packageName(pkg)+"\n")
		write(t, filepath.Join(dir, f.path), f.source)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func packageName(dir string) string {
	if dir == "cmd/xdpload" {
		return "main"
	}
	return filepath.Base(dir)
}
