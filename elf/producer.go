package elf

import (
	"strings"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

// Producer returns what the object says that made it, such as "clang version
// 14.0.6", or "" when it says nothing: the .comment section, or a compiler's
// name among the strings of its debug information.
func (o *Object) Producer() string {
	for _, s := range o.stringsOf(".comment") {
		if s != "" {
			return naming.Clip(s)
		}
	}
	for _, s := range o.stringsOf(".debug_str") {
		for _, compiler := range [...]string{"clang version ", "clang LLVM ", "GNU C", "rustc "} {
			if strings.Contains(s, compiler) {
				return naming.Clip(s)
			}
		}
	}
	return ""
}

// maxProducer bounds the search: a compiler's name is the first string.
const maxProducer = 64 << 10

// stringsOf returns the strings of a section.
func (o *Object) stringsOf(section string) []string {
	sec := o.section(section)
	if sec == nil {
		return nil
	}
	b, err := sectionData(o.image, sec)
	if err != nil {
		return nil
	}
	return strings.Split(string(b[:min(len(b), maxProducer)]), "\x00")
}
