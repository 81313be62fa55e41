package env

import "path/filepath"

// A Tool is the program whose words and forms are followed.
type Tool string

// The tools, by the names of the links through which the program is called.
const (
	ToolXDPLoad Tool = "xdpload"
	ToolIP      Tool = "ip"
	toolTC      Tool = "tc"
)

// ToolOf goes by the name of the link through which the program was called.
func ToolOf(path string) Tool {
	if t := Tool(filepath.Base(path)); t == ToolIP || t == toolTC {
		return t
	}
	return ToolXDPLoad
}

// Foreign reports whether another tool's users and scripts read the output.
func (t Tool) Foreign() bool { return t != ToolXDPLoad }

// Words are those of a line, with those that the name of the tool stands for.
func (t Tool) Words(line []string) []string {
	if t == toolTC {
		return append([]string{"tc"}, line...)
	}
	return line
}
