package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestShares deals packages out by the size of their tests: none is lost, the
// largest has a guest to itself, and each guest keeps the order.
func TestShares(t *testing.T) {
	root := t.TempDir()
	var jobs []job
	for name, size := range map[string]int{"a": 10, "b": 1000, "c": 300, "d": 200, "e": 0} {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Join(dir, "testdata/kernel"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"x_test.go", "testdata/kernel/x.txtar"} {
			if err := os.WriteFile(filepath.Join(dir, file), make([]byte, size/2), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		jobs = append(jobs, job{Package: name, Dir: dir})
	}
	slices.SortFunc(jobs, func(a, b job) int { return strings.Compare(a.Package, b.Package) })
	for _, tt := range []struct {
		n    int
		want []string
	}{
		{n: 0, want: []string{"abcde"}},
		{n: 1, want: []string{"abcde"}},
		{n: 2, want: []string{"b", "acde"}},
		{n: 9, want: []string{"b", "c", "d", "a", "e"}},
	} {
		var got []string
		for _, share := range shares(jobs, tt.n) {
			var names string
			for _, j := range share {
				names += j.Package
			}
			got = append(got, names)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%d guests (-want +got):\n%s", tt.n, diff)
		}
	}
}

// TestHalved: of a package that has most of the tests every other test goes to a
// job of its own, unless only some were asked for.
func TestHalved(t *testing.T) {
	root := t.TempDir()
	work := func(name string, size int, args ...string) job {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x_test.go"), make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
		binary := filepath.Join(dir, "x.test")
		if err := os.WriteFile(binary, []byte("#!/bin/sh\nprintf 'TestA\\nTestB\\nExampleC\\n'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return job{Package: name, Dir: dir, Binary: binary, Args: args}
	}
	for _, tt := range []struct {
		name string
		jobs []job
		want []string
	}{
		{"one is large", []job{work("a", 10), work("b", 100)}, []string{"a", "b -test.skip=^(TestB)$", "b -test.run=^(TestB)$"}},
		{"none is", []job{work("c", 10), work("d", 10), work("e", 10)}, []string{"c", "d", "e"}},
		{"some were asked for", []job{work("f", 10, "-test.run=TestA")}, []string{"f -test.run=TestA"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			jobs, err := halved(t.Context(), tt.jobs)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, j := range jobs {
				got = append(got, strings.Join(append([]string{j.Package}, j.Args...), " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
