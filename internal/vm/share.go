package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// shares deals jobs out to at most n guests, so that each has about as much to
// do. A share is never empty, and keeps the order of the jobs.
func shares(jobs []job, n int) [][]job {
	n = max(1, min(n, len(jobs)))
	size, parts := make(map[string]int64, len(jobs)), make(map[string]int64, len(jobs))
	for _, j := range jobs {
		parts[j.Dir]++
	}
	for dir, n := range parts {
		size[dir] = testSize(dir) / n
	}
	heaviest := slices.Clone(jobs)
	slices.SortStableFunc(heaviest, func(a, b job) int { return cmp.Compare(size[b.Dir], size[a.Dir]) })
	dealt, load := make([][]job, n), make([]int64, n)
	for _, j := range heaviest {
		i := slices.Index(load, slices.Min(load))
		dealt[i], load[i] = append(dealt[i], j), load[i]+size[j.Dir]+1
	}
	for _, share := range dealt {
		slices.SortFunc(share, func(a, b job) int { return strings.Compare(a.Package, b.Package) })
	}
	return dealt
}

// halved makes two jobs of each that is more than a third of the work, if all of
// its tests are to run: every other test is in the second.
func halved(ctx context.Context, jobs []job) ([]job, error) {
	var all int64
	for _, j := range jobs {
		all += testSize(j.Dir)
	}
	var out []job
	for _, j := range jobs {
		if 3*testSize(j.Dir) <= all || j.flag("run") != "" || j.flag("skip") != "" {
			out = append(out, j)
			continue
		}
		tests, err := j.tests(ctx)
		if err != nil {
			return nil, err
		}
		var second []string
		for i := 1; i < len(tests); i += 2 {
			second = append(second, tests[i])
		}
		if len(second) == 0 {
			out = append(out, j)
			continue
		}
		pattern := "^(" + strings.Join(second, "|") + ")$"
		out = append(out, j.with("-test.skip="+pattern), j.with("-test.run="+pattern))
	}
	return out, nil
}

// tests asks the job's binary for the names of its tests.
func (j job) tests(ctx context.Context) ([]string, error) {
	c := exec.CommandContext(ctx, j.Binary, "-test.list=^(Test|Example|Fuzz)")
	c.Dir = j.Dir
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("list the tests of %s: %w", j.Package, err)
	}
	return strings.Fields(string(out)), nil
}

// with returns the job with one argument more.
func (j job) with(arg string) job {
	j.Args = append(slices.Clone(j.Args), arg)
	return j
}

// testSize guesses how long a package's tests take, by the bytes of their
// sources, and of their scripts, each line of which starts a program.
func testSize(dir string) (size int64) {
	for pattern, weight := range map[string]int64{"*_test.go": 1, "testdata/*/*.txtar": 3} {
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, name := range names {
			if info, err := os.Stat(name); err == nil {
				size += weight * info.Size()
			}
		}
	}
	return size
}
