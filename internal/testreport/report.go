package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// An event is one line of go test -json, as `go doc test2json` describes it.
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
	skipped map[string][]test // by reason
	err     error             // of the first write that failed
}

func newReport(w io.Writer) *report {
	return &report{w: w, output: map[test][]string{}, skipped: map[string][]test{}}
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
	case "skip":
		why := reason(r.output[t])
		r.skipped[why] = append(r.skipped[why], t)
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
	case "fail":
		r.writeUnfinished(e.Package)
	}
}

// writeUnfinished shows the tests that a crash or a timeout cut short.
func (r *report) writeUnfinished(pkg string) {
	for t := range maps.Clone(r.output) {
		if t.pkg == pkg {
			r.writeOutput(t)
		}
	}
}

func (r *report) writeOutput(t test) {
	r.printf("%s", strings.Join(r.output[t], ""))
	delete(r.output, t)
}

func (r *report) writeSkips() {
	for _, why := range slices.Sorted(maps.Keys(r.skipped)) {
		r.printf("skipped: %s\n", why)
		for _, t := range r.skipped[why] {
			r.printf("    %s %s\n", t.pkg, t.name)
		}
	}
}

// reason is what need.Of, the one way to skip, wrote behind its mark.
func reason(output []string) string {
	for _, line := range output {
		if _, why, found := strings.Cut(line, ": SKIP: "); found {
			return strings.TrimSpace(why)
		}
	}
	return "no reason given"
}
