package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShow(t *testing.T) {
	tests := []struct {
		name   string
		events string
		want   string
	}{
		{
			name: "passed tests are silent",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: chatter\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}`,
			want: "ok  \tp\t0.1s\n",
		},
		{
			name: "a failed test shows all it wrote",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: why\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- FAIL: TestA (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}`,
			want: "    a_test.go:1: why\n--- FAIL: TestA (0.00s)\nFAIL\tp\t0.1s\nfailed: p TestA\n",
		},
		{
			name: "a test cut short is shown when its package fails",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out\n"}
{"Action":"output","Package":"q","Test":"TestB","Output":"still running\n"}
{"Action":"fail","Package":"p"}`,
			want: "panic: test timed out\nfailed: p TestA [unfinished]\n",
		},
		{
			name: "what failed is named last, a subtest and not what it is part of",
			events: `{"Action":"fail","Package":"p","Test":"TestA/x"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p","Test":"TestAB"}
{"Action":"fail","Package":"p"}
{"Action":"fail","Package":"q"}
{"Action":"skip","Package":"r","Test":"TestS"}
{"Action":"pass","Package":"r"}`,
			want: "skipped 1: no reason given (r.TestS)\nfailed: p TestA/x\nfailed: p TestAB\nfailed: q\n",
		},
		{
			name: "a package that does not build",
			events: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"a.go:1: undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.1s\n"}
{"Action":"pass","Package":"q"}`,
			want: "a.go:1: undefined: x\nFAIL\tp [build failed]\nok  \tq\t0.1s\nfailed: p [build failed]\n",
		},
		{
			name: "a package that imports what is not there",
			events: `{"ImportPath":"x/y","Action":"build-output","Output":"a.go:2:8: package x/y is not in std\n"}
{"ImportPath":"x/y","Action":"build-fail"}
{"Action":"output","Package":"p","Output":"FAIL\tp [setup failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"x/y"}`,
			want: "a.go:2:8: package x/y is not in std\nFAIL\tp [setup failed]\nfailed: p [setup failed]\n",
		},
		{
			name: "a line for each reason of skips",
			events: `{"Action":"output","Package":"a/p","Test":"TestB","Output":"    b_test.go:9: SKIP: needs root\n"}
{"Action":"output","Package":"a/p","Test":"TestB","Output":"    testscript.go:9: WORK=$WORK\n"}
{"Action":"output","Package":"a/p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"a/p","Test":"TestB"}
{"Action":"output","Package":"a/p","Test":"TestA","Output":"    a_test.go:1: SKIP: needs root\n"}
{"Action":"skip","Package":"a/p","Test":"TestA"}
{"Action":"skip","Package":"q","Test":"TestC"}
{"Action":"skip","Package":"q","Test":"TestD"}
{"Action":"skip","Package":"q","Test":"TestE"}
{"Action":"skip","Package":"q","Test":"TestF"}
{"Action":"skip","Package":"q","Test":"TestG"}`,
			want: "skipped 2: needs root (p.TestB, p.TestA)\nskipped 5: no reason given (q.TestC, q.TestD, q.TestE and 2 more)\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got strings.Builder
			r := newReport(&got)
			if err := errors.Join(r.read(strings.NewReader(tt.events)), r.writeEnd()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShowReadsToTheEnd(t *testing.T) {
	events := strings.NewReader("not json\nand more")
	if err := newReport(io.Discard).read(events); err == nil {
		t.Error("no error for a line that is no event")
	}
	if events.Len() != 0 {
		t.Errorf("%d bytes left unread", events.Len())
	}
}

// TestDoesNotCompile has the go command itself say that a package does not
// compile: its error is shown, and the last line names the package.
func TestDoesNotCompile(t *testing.T) {
	dir := t.TempDir()
	for name, source := range map[string]string{
		"go.mod":            "module m\n",
		"good/good_test.go": "package good\n",
		"bad/bad_test.go":   "package bad\n\nvar x = undefined\n",
	} {
		writeFile(t, filepath.Join(dir, name), source)
	}
	t.Chdir(dir)
	var stdout, stderr strings.Builder
	if got := run([]string{"./..."}, &stdout, &stderr); got != 1 {
		t.Errorf("status %d, want 1", got)
	}
	said := stdout.String()
	if want := "bad/bad_test.go:3:9: undefined: undefined\n"; !strings.Contains(said, want) {
		t.Errorf("no %q in\n%s", want, said)
	}
	if want := "\nfailed: m/bad [build failed]\n"; !strings.HasSuffix(said, want) || stderr.String() != "" {
		t.Errorf("want %q last, and nothing on stderr, in\n%s%s", want, said, &stderr)
	}
}

func TestRunStatus(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want int
	}{
		{name: "passed", args: []string{"-run=^TestShow$", "."}, want: 0},
		{name: "no such package", args: []string{"./nowhere"}, want: 1},
		{name: "bad flag", args: []string{"-p=none"}, want: 2},
		{name: "no such directory", args: []string{"-C", "nowhere", "-run=^TestShow$", "."}, want: 1},
		{name: "the first fails", args: []string{"-C", "..", "-C", ".", "-run=^TestShow$", "."}, want: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if got := run(tt.args, &stdout, &stderr); got != tt.want {
				t.Errorf("status %d, want %d\n%s%s", got, tt.want, &stdout, &stderr)
			}
		})
	}
}

// TestModules has one report made of two modules: what failed in the first one
// is still the last line.
func TestModules(t *testing.T) {
	dir := t.TempDir()
	for name, source := range map[string]string{
		"one/go.mod":    "module one\n",
		"one/a_test.go": "package one\n\nvar x = undefined\n",
		"two/go.mod":    "module two\n",
		"two/b_test.go": "package two\n\nimport \"testing\"\n\nfunc TestB(*testing.T) {}\n",
	} {
		writeFile(t, filepath.Join(dir, name), source)
	}
	t.Chdir(dir)
	var stdout, stderr strings.Builder
	if got := run([]string{"-C", "one", "-C", "two", "./..."}, &stdout, &stderr); got != 1 {
		t.Errorf("status %d, want 1", got)
	}
	said := stdout.String()
	if !strings.Contains(said, "\nok  \ttwo\t") || !strings.HasSuffix(said, "\nfailed: one [build failed]\n") {
		t.Errorf("no success of two, or not one's failure last, in\n%s%s", said, &stderr)
	}
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
