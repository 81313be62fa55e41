package main

import (
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// An event is one line of go test -json, as `go doc test2json` and
// `go help buildjson` describe it.
type event struct {
	Action      string
	Package     string
	Test        string // empty for an event of the whole package
	Output      string
	FailedBuild string // of a package that fails because this one does not build
}

// A test has no name when its package stands for itself.
type test struct{ pkg, name string }

// A failure is of a test or, with a note of how, of what is not just a failed test.
type failure struct {
	test
	note string
}

type report struct {
	w       io.Writer
	output  map[test][]string // so far, of each running test
	skipped map[string][]test // by reason
	failed  []failure
	err     error // of the first write that failed
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
		r.fail(t, "")
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
		switch {
		case e.FailedBuild != "":
			r.fail(test{pkg: e.Package}, "[build failed]")
		case !slices.ContainsFunc(r.failed, func(f failure) bool { return f.pkg == e.Package }):
			r.fail(test{pkg: e.Package}, "")
		}
	}
}

// writeUnfinished shows the tests that a crash or a timeout cut short.
func (r *report) writeUnfinished(pkg string) {
	for t := range maps.Clone(r.output) {
		if t.pkg == pkg {
			r.writeOutput(t)
			r.fail(t, "[unfinished]")
		}
	}
}

func (r *report) writeOutput(t test) {
	r.printf("%s", strings.Join(r.output[t], ""))
	delete(r.output, t)
}

// fail notes a failure, unless t fails because a test within it did.
func (r *report) fail(t test, note string) {
	within := func(f failure) bool { return f.pkg == t.pkg && strings.HasPrefix(f.name, t.name+"/") }
	if t.name == "" || !slices.ContainsFunc(r.failed, within) {
		r.failed = append(r.failed, failure{t, note})
	}
}

// writeEnd writes a line for each reason of skips, and last what failed.
func (r *report) writeEnd() {
	for _, why := range slices.Sorted(maps.Keys(r.skipped)) {
		tests := r.skipped[why]
		r.printf("skipped %d: %s (%s)\n", len(tests), why, abbreviated(tests))
	}
	for _, f := range r.failed {
		r.printf("failed: %s\n", strings.Join(strings.Fields(f.pkg+" "+f.name+" "+f.note), " "))
	}
}

// abbreviated names the first tests of some.
func abbreviated(tests []test) string {
	const enough = 3
	var names []string
	for i, t := range tests {
		if i == enough && len(tests) > enough+1 {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", len(tests)-i)
		}
		names = append(names, path.Base(t.pkg)+"."+t.name)
	}
	return strings.Join(names, ", ")
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
