package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xdpload/xdpload/internal/testreport/summary"
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
// note of its skips, failures and coverage.
func (r *testRun) result(ctx context.Context, k kernel, res result, s *summary.Summary) error {
	events, err := testEvents(ctx, res.output)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	sum(s, res, events)
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

// sum adds the tests of a package that were skipped or failed, and the package
// itself if it failed by another reason.
func sum(s *summary.Summary, res result, events []testEvent) {
	said := map[string][]string{}
	for _, e := range events {
		said[e.Test] = append(said[e.Test], e.Output)
		switch {
		case e.Test == "":
		case e.Action == "pass":
			s.Pass()
		case e.Action == "skip":
			s.Skip(res.job.Package, e.Test, said[e.Test])
		case e.Action == "fail":
			s.Fail(res.job.Package, e.Test, "")
		}
	}
	if res.reason != "" || res.code != 0 && !s.Failed(res.job.Package) {
		s.Fail(res.job.Package, "", res.reason+unfinished(events))
	}
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
