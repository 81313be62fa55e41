package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// testEvent is one line of go tool test2json, which describes it.
type testEvent struct {
	Action string
	Test   string // empty for an event of the whole package
	Output string
}

// testEvents reads the output of a test binary that ran with
// -test.v=test2json.
func testEvents(ctx context.Context, output []byte) ([]testEvent, error) {
	c := exec.CommandContext(ctx, "go", "tool", "test2json")
	c.Stdin = bytes.NewReader(output)
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("test2json: %w", err)
	}
	var all []testEvent
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var e testEvent
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("test2json: %w", err)
		}
		all = append(all, e)
	}
}

// result reports a package as go test does, with the kernel's name, and takes
// note of its skips and coverage.
func (r *testRun) result(ctx context.Context, k kernel, res result, skips skipList) error {
	events, err := testEvents(ctx, res.output)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	skips.add(res.job.Package, events)
	fmt.Fprint(r.stdout, shown(events, res.job.Verbose, res.code != 0))
	verdict := "ok  "
	if res.code != 0 {
		verdict, r.failed = "FAIL", true
	}
	if res.reason != "" {
		fmt.Fprintf(r.stdout, "FAIL: kernel %s: %s%s\n", k.name, res.reason, unfinished(events))
	}
	fmt.Fprintf(r.stdout, "%s\t%s\t%.3fs\tkernel %s%s\n", verdict, res.job.Package, res.elapsed.Seconds(), k.name, covered(events))
	if name := res.job.profile(); name != "" {
		r.cover.add(res.files[name])
		delete(res.files, name)
	}
	return res.write()
}

// shown is what go test shows of a package: everything when it is verbose,
// nothing when all is well, else what the failed and unfinished tests and the
// package itself wrote.
func shown(events []testEvent, verbose, failed bool) string {
	fine := map[string]bool{}
	for _, e := range events {
		if e.Test != "" && (e.Action == "pass" || e.Action == "skip") {
			fine[e.Test] = true
		}
	}
	var b strings.Builder
	for _, e := range events {
		ran := strings.HasPrefix(e.Output, "=== ")
		if verbose || failed && e.Action == "output" && !fine[e.Test] && !ran {
			b.WriteString(e.Output)
		}
	}
	return b.String()
}

// unfinished names the tests that had begun and not ended, innermost last.
func unfinished(events []testEvent) string {
	var running []string
	for _, e := range events {
		switch {
		case e.Test == "":
		case e.Action == "run":
			running = append(running, e.Test)
		case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
			running = slices.DeleteFunc(running, func(t string) bool { return t == e.Test })
		}
	}
	if len(running) == 0 {
		return ""
	}
	return ", in " + strings.Join(running, ", ")
}

// covered is the tail of an ok line: what the package says of its coverage.
func covered(events []testEvent) string {
	for _, e := range events {
		if e.Test == "" && strings.HasPrefix(e.Output, "coverage: ") {
			return "\t" + strings.TrimSpace(e.Output)
		}
	}
	return ""
}

// skipList has the skipped tests of one kernel, by reason.
type skipList map[string][]string

// skipMark is what need.Of, the one way to skip, puts before the reason. A
// script's skip is followed by the script's own log.
const skipMark = ": SKIP: "

func (s skipList) add(pkg string, events []testEvent) {
	why := map[string]string{}
	for _, e := range events {
		switch {
		case e.Action == "skip" && e.Test != "":
			reason := why[e.Test]
			if reason == "" {
				reason = "no reason given"
			}
			s[reason] = append(s[reason], pkg+" "+e.Test)
		default:
			if _, reason, ok := strings.Cut(e.Output, skipMark); ok {
				why[e.Test] = strings.TrimSpace(reason)
			}
		}
	}
}

// text is the list as a person reads it.
func (s skipList) text(kernel string) string {
	if len(s) == 0 {
		return "kernel " + kernel + ": nothing skipped\n"
	}
	var b strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "kernel %s: skipped: %s\n", kernel, reason)
		for _, test := range s[reason] {
			fmt.Fprintf(&b, "    %s\n", test)
		}
	}
	return b.String()
}

// coverage is the profile of several packages on several kernels, which has
// the form of each: a line with the mode, and a line for each block. Readers
// add up blocks that occur twice.
type coverage struct {
	mode   string
	blocks []byte
}

// add adds a profile; a job that broke off has none.
func (c *coverage) add(profile []byte) {
	if mode, blocks, ok := bytes.Cut(profile, []byte("\n")); ok {
		c.mode = string(mode)
		c.blocks = append(c.blocks, blocks...)
	}
}

// write writes the profile to the file that the user named.
func (c *coverage) write(name string) error {
	if name == "" || c.mode == "" {
		return nil
	}
	return os.WriteFile(filepath.Clean(name), append([]byte(c.mode+"\n"), c.blocks...), 0o644)
}

// coverFlag is the value of -coverprofile among the arguments of go test.
func coverFlag(args []string) string {
	for i, a := range args {
		name, value, has := strings.Cut(strings.TrimLeft(a, "-"), "=")
		switch {
		case !strings.HasPrefix(a, "-") || name != "coverprofile":
		case has:
			return value
		case i+1 < len(args):
			return args[i+1]
		}
	}
	return ""
}
