package offload

import (
	"fmt"
	"strings"
)

// A Finding is a reason why a device does not take an object. It is an error
// in itself.
type Finding struct {
	Program string // empty for a map
	Map     string // empty for a program
	// Instruction is its number from the start of the program, in slots of 8
	// bytes as the verifier counts: -1 when the finding is about the whole
	// program, 0 when it is about a map.
	Instruction int
	Line        string // of the source: "src/nfp.c:12", empty where the object does not say
	Code        string // what stands in that line
	Rule        string // what the driver wants, in words
	Source      string // the kernel file that the rule comes from
}

// Error is one line: what, where, the rule and its source.
func (f *Finding) Error() string {
	var b strings.Builder
	if f.Map != "" {
		fmt.Fprintf(&b, "map %s: ", f.Map)
	} else {
		fmt.Fprintf(&b, "program %s: ", f.Program)
	}
	if f.Line != "" {
		fmt.Fprintf(&b, "%s: ", f.Line)
	}
	fmt.Fprintf(&b, "%s (%s)", f.Rule, f.Source)
	return b.String()
}
