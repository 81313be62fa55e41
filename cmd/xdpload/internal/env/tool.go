package env

import "path/filepath"

// A tool is the program whose words and forms are followed.
type tool string

// The tools, by the names of the links through which the program is called.
const (
	ToolXDPLoad tool = "xdpload"
	ToolIP      tool = "ip"
	toolTC      tool = "tc"
)

// ToolOf goes by the name of the link through which the program was called.
func ToolOf(path string) tool {
	if t := tool(filepath.Base(path)); t == ToolIP || t == toolTC {
		return t
	}
	return ToolXDPLoad
}

// Foreign reports whether another tool's users and scripts read the output.
func (t tool) Foreign() bool { return t != ToolXDPLoad }

// Words are those of a line, with those that the name of the tool stands for.
func (t tool) Words(line []string) []string {
	if t == toolTC {
		return append([]string{"tc"}, line...)
	}
	return line
}
