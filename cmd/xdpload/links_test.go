//go:build !guest

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLinks: what the documents link to, and the files that they name below a
// directory of the repository, exist.
func TestLinks(t *testing.T) {
	const root = "../.."
	files, err := filepath.Glob(root + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	name := regexp.MustCompile("`((?:cmd|docs|elf|examples|internal|netlink|offload|pin)/[a-z0-9_./-]+\\.[a-z0-9]+)`")
	found := 0
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		exists := func(dir, path string) {
			found++
			if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
				t.Errorf("%s: %v", strings.TrimPrefix(file, root+"/"), err)
			}
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			exists(filepath.Dir(file), m[1])
		}
		for _, m := range name.FindAllStringSubmatch(string(text), -1) {
			exists(root, m[1])
		}
	}
	if found < 20 {
		t.Errorf("only %d links and names", found)
	}
}
