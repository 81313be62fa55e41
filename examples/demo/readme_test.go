package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/xdpload/xdpload/elf"
)

// TestReadme holds the README's table of commands against the objects of the
// examples: what a line names of an object is in it.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]*elf.Object{}
	for name, dir := range map[string]string{"foo.o": "bpf", "marker.o": "../marker", "tailcall.o": "../tailcall"} {
		if objects[name], err = elf.Open(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	command := regexp.MustCompile("(?m)^\\| `(.*xdpload .*)` \\|")
	object := regexp.MustCompile(`(?:obj|show|check|convert|verify) (\w+\.o)(?: sec (\S+))?(?: prog (\S+))?`)
	entries := regexp.MustCompile(`prog:(\w+)/(\w+)`)
	lines := 0
	for _, line := range command.FindAllStringSubmatch(string(text), -1) {
		if m := object.FindStringSubmatch(line[1]); m != nil {
			lines++
			if o := objects[m[1]]; o == nil {
				t.Errorf("%s: no example has this object", line[1])
			} else if s := (elf.Selector{Section: m[2], Program: m[3]}); s != (elf.Selector{}) {
				if _, err := o.Program(s); err != nil {
					t.Errorf("%s: %v", line[1], err)
				}
			}
		}
		if m := entries.FindStringSubmatch(line[1]); m != nil {
			lines++
			_, err := objects["foo.o"].Program(elf.Selector{Program: m[1]})
			if _, noMap := objects["foo.o"].Map(m[2]); err != nil || noMap != nil {
				t.Errorf("%s: %v, %v", line[1], err, noMap)
			}
		}
	}
	if lines < 10 {
		t.Errorf("%d lines name an object, fewer than the table has", lines)
	}
}
