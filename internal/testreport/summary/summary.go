// Package summary is the short end of a run of tests: a line for each reason of
// skips, and one for each failure.
package summary

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Summary collects what was not passed. The zero value is ready for use.
type Summary struct {
	passed  int
	skipped map[string][]string // names of tests, by reason
	failed  []failure
}

// A failure is of a test or, without one, of a package.
type failure struct{ pkg, test, note string }

// Pass adds a test that passed.
func (s *Summary) Pass() { s.passed++ }

// Passed is how many tests have passed.
func (s *Summary) Passed() int { return s.passed }

// Reasons says how many tests were skipped, by reason.
func (s *Summary) Reasons() map[string]int {
	reasons := make(map[string]int)
	for reason, tests := range s.skipped {
		reasons[reason] = len(tests)
	}
	return reasons
}

// Skip adds a skipped test, with what it wrote: the reason is after the mark
// of need.Of, the one way to skip. A script's own log may follow.
func (s *Summary) Skip(pkg, test string, output []string) {
	reason := "no reason given"
	for _, line := range output {
		if _, why, found := strings.Cut(line, ": SKIP: "); found {
			reason = strings.TrimSpace(why)
			break
		}
	}
	if s.skipped == nil {
		s.skipped = map[string][]string{}
	}
	s.skipped[reason] = append(s.skipped[reason], path.Base(pkg)+"."+test)
}

// Fail adds a failed test, unless that is because a test within it failed, or a
// package that fails by itself. The note may be empty.
func (s *Summary) Fail(pkg, test, note string) {
	within := func(f failure) bool { return f.pkg == pkg && strings.HasPrefix(f.test, test+"/") }
	if test == "" || !slices.ContainsFunc(s.failed, within) {
		s.failed = append(s.failed, failure{pkg, test, note})
	}
}

// Failed reports whether something of the package failed.
func (s *Summary) Failed(pkg string) bool {
	return slices.ContainsFunc(s.failed, func(f failure) bool { return f.pkg == pkg })
}

// Skips are the lines of what was skipped.
func (s *Summary) Skips() (lines []string) {
	for _, reason := range slices.Sorted(maps.Keys(s.skipped)) {
		tests := s.skipped[reason]
		lines = append(lines, fmt.Sprintf("skipped %d: %s (%s)", len(tests), reason, abbreviated(tests)))
	}
	return lines
}

// Failures are the lines of what failed, in that order.
func (s *Summary) Failures() (lines []string) {
	for _, f := range s.failed {
		line := "failed: " + f.pkg
		if f.test != "" {
			line += " " + f.test
		}
		if f.note != "" {
			line += " [" + f.note + "]"
		}
		lines = append(lines, line)
	}
	return lines
}

// abbreviated names the first of many tests.
func abbreviated(tests []string) string {
	const enough = 3
	if len(tests) <= enough+1 {
		return strings.Join(tests, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(tests[:enough], ", "), len(tests)-enough)
}
