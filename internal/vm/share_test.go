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
