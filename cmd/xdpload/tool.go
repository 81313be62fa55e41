package main

import "path/filepath"

// A tool is the program whose words and forms are followed.
type tool string

const (
	toolXDPLoad tool = "xdpload"
	toolIP      tool = "ip"
	toolTC      tool = "tc"
)

// toolOf goes by the name of the link through which the program was called.
func toolOf(path string) tool {
	if t := tool(filepath.Base(path)); t == toolIP || t == toolTC {
		return t
	}
	return toolXDPLoad
}

// foreign reports whether another tool's users and scripts read the output.
func (t tool) foreign() bool { return t != toolXDPLoad }

// words are those of a line, with those that the name of the tool stands for.
func (t tool) words(line []string) []string {
	if t == toolTC {
		return append([]string{"tc"}, line...)
	}
	return line
}
