package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shares deals jobs out to at most n guests, so that each has about as much to
// do. A share is never empty, and keeps the order of the jobs.
func shares(jobs []job, n int) [][]job {
	n = max(1, min(n, len(jobs)))
	size := make(map[string]int64, len(jobs))
	for _, j := range jobs {
		size[j.Dir] = testSize(j.Dir)
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

// testSize guesses how long a package's tests take, by the bytes of their
// sources and scripts.
func testSize(dir string) (size int64) {
	for _, pattern := range []string{"*_test.go", "testdata/*/*.txt*"} {
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, name := range names {
			if info, err := os.Stat(name); err == nil {
				size += info.Size()
			}
		}
	}
	return size
}
