package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCases(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			if seen[c.name] {
				t.Error("the name is taken")
			}
			seen[c.name] = true
			if c.about == "" {
				t.Error("nothing says what it is about")
			}
			if len(c.contestants) < 2 || c.contestants[0].tool() != "xdpload" {
				t.Errorf("contestants are %v, want xdpload and a peer", tools(c))
			}
			for _, g := range c.goals {
				if g.peer != "" && !slices.Contains(tools(c), g.peer) {
					t.Errorf("the goal's peer %q does not take part", g.peer)
				}
			}
		})
	}
}

// Once the dispatcher is full, no case is as the kernel is by default.
func TestCalmCasesComeLast(t *testing.T) {
	calm := ""
	for _, c := range cases() {
		if c.calm {
			calm = c.name
		}
		if calm != "" && slices.Contains([]string{"attach", "swap", "off"}, c.name) {
			t.Errorf("%s comes after %s, which is calm", c.name, calm)
		}
	}
}

// Every object of a command line is among those that the lab has.
func TestObjects(t *testing.T) {
	dir := t.TempDir()
	if err := objects(dir); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases() {
		for _, who := range c.contestants {
			for _, word := range who.argv {
				if !strings.HasSuffix(word, ".o") {
					continue
				}
				if found, _ := filepath.Glob(filepath.Join(dir, word)); found == nil {
					t.Errorf("%s: %q: no object %s", c.name, who.argv, word)
				}
			}
		}
	}
}

func tools(c testCase) []string {
	var names []string
	for _, who := range c.contestants {
		names = append(names, who.tool())
	}
	return names
}
