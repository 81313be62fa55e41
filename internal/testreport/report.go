package main

import (
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/xdpload/xdpload/internal/testreport/summary"
)

// An event is one line of go test -json, as `go doc test2json` and
// `go help buildjson` describe it.
type event struct {
	Action  string
	Package string
	Test    string // empty for an event of the whole package
	Output  string
}

// A test is the output so far of one running test.
type test struct{ pkg, name string }

type report struct {
	w       io.Writer
	output  map[test][]string
	notes   map[string]string // why a package has no tests to run, as the go command says it
	summary summary.Summary
	err     error // of the first write that failed
}

func newReport(w io.Writer) *report {
	return &report{w: w, output: map[test][]string{}, notes: map[string]string{}}
}

func (r *report) printf(format string, args ...any) {
	if r.err == nil {
		_, r.err = fmt.Fprintf(r.w, format, args...)
	}
}

func (r *report) add(e event) {
	if e.Test == "" {
		r.addPackage(e)
		return
	}
	t := test{e.Package, e.Test}
	switch e.Action {
	case "output":
		if !strings.HasPrefix(e.Output, "=== ") {
			r.output[t] = append(r.output[t], e.Output)
		}
	case "fail":
		r.writeOutput(t)
		r.summary.Fail(t.pkg, t.name, "")
	case "skip":
		r.summary.Skip(t.pkg, t.name, r.output[t])
		delete(r.output, t)
	case "pass":
		delete(r.output, t)
	}
}

func (r *report) addPackage(e event) {
	switch e.Action {
	case "output", "build-output":
		if e.Output != "PASS\n" {
			r.printf("%s", e.Output)
		}
		if note, found := strings.CutPrefix(e.Output, "FAIL\t"+e.Package+" ["); found {
			r.notes[e.Package] = strings.TrimSuffix(note, "]\n")
		}
	case "fail":
		r.writeUnfinished(e.Package)
		if !r.summary.Failed(e.Package) {
			r.summary.Fail(e.Package, "", r.notes[e.Package])
		}
	}
}

// writeUnfinished shows the tests that a crash or a timeout cut short.
func (r *report) writeUnfinished(pkg string) {
	for t := range maps.Clone(r.output) {
		if t.pkg == pkg {
			r.writeOutput(t)
			r.summary.Fail(t.pkg, t.name, "unfinished")
		}
	}
}

func (r *report) writeOutput(t test) {
	r.printf("%s", strings.Join(r.output[t], ""))
	delete(r.output, t)
}

// writeEnd writes the summary, and last what failed. It returns the error of the
// first write that failed.
func (r *report) writeEnd() error {
	for _, line := range append(r.summary.Skips(), r.summary.Failures()...) {
		r.printf("%s\n", line)
	}
	return r.err
}
