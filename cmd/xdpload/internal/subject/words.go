package subject

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/kernelname"
)

// Capital writes an error number's text as the C library does.
func Capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// HandleText is the handle of a filter as tc writes it.
func HandleText(h uint32) string { return "0x" + strconv.FormatUint(uint64(h), 16) }

// Count is "1 filter" or "2 filters".
func Count(n int, what string) string { return strconv.Itoa(n) + " " + Plural(n, what) }

// Plural is "filter" for one, and otherwise "filters"; of an "entry", "entries".
func Plural(n int, what string) string {
	if n == 1 {
		return what
	}
	if stem, ok := strings.CutSuffix(what, "ry"); ok {
		return stem + "ries"
	}
	return what + "s"
}

// InputName is what a file of packets is called in messages.
func InputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// TypeName is "" for no type.
func TypeName(t ebpf.ProgramType) string {
	if t == ebpf.UnspecifiedProgram {
		return ""
	}
	return kernelname.Program(t)
}
