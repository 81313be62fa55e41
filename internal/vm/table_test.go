package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/testreport/summary"
)

func TestWriteTable(t *testing.T) {
	document := filepath.Join(t.TempDir(), "doc.md")
	const before, after = "before\n" + tableBegins, tableEnds + "after\n"
	if err := os.WriteFile(document, []byte(before+"| 6.1.0-9 | 2 | 3 | |\n| 5.10.0-0 | 2 | 3 | |\n"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	var s summary.Summary
	s.Pass()
	for _, reason := range []string{
		"needs the command go: not found", "needs netdevsim: the kernel is built without CONFIG_NETDEVSIM",
		"needs tcx: Linux 6.6, this is 5.10.0-1", "needs netkit: Linux 6.12, this is 5.10.0-1",
	} {
		s.Skip("p", "Test", []string{"    x.go:1: SKIP: " + reason + "\n"})
	}
	k := kernel{name: "5.10", image: "/boot/vmlinuz-5.10.0-1"}
	var red summary.Summary
	red.Fail("p", "TestX", "")
	bad := kernel{name: "6.1", image: "/boot/vmlinuz-6.1.0-10"}
	if err := writeTable(document, []kernel{k, bad}, []summary.Summary{s, red}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	want := before + tableHead + "| 5.10.0-1 | 1 | 4 | tcx (6.6), netkit (6.12), netdevsim (not built) |\n| 6.1.0-9 | 2 | 3 | |\n" + after
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := os.WriteFile(document, []byte("no place\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeTable(document, nil, nil); err == nil {
		t.Error("no error without a place")
	}
}

// TestReadme: the README's table has rows of the form that a run writes, of the kernels of
// test-kernels-all in their order.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("vm.mk")
	if err != nil {
		t.Fatal(err)
	}
	from, to := tablePlace(text)
	if from < 0 {
		t.Fatal("the README has no table")
	}
	rows, found := strings.CutPrefix(string(text[from:to]), tableHead)
	if !found {
		t.Errorf("the table begins with %q", text[from:to])
	}
	all := strings.Split(string(regexp.MustCompile(`(?m)^VM_ALL *= (.*)$`).FindSubmatch(makefile)[1]), ",")
	form := regexp.MustCompile(`^\| (\d+\.\d+)\.\S+ \| [1-9]\d* \| \d+ \| [^|]* \|\n$`)
	for row := range strings.Lines(rows) {
		m := form.FindStringSubmatch(row)
		if m == nil {
			t.Errorf("the form of %s", row)
			continue
		}
		i := slices.Index(all, m[1])
		if i < 0 {
			t.Errorf("%s is not among %v, or is not the next", m[1], all)
		}
		all = all[i+1:]
	}
}
