package x86

import (
	"bytes"

	"github.com/xdpload/xdpload/internal/disasm"
)

// extra decodes what golang.org/x/arch v0.32.0 does not know, or calls by another
// name: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
func extra(code []byte) (disasm.Instruction, bool) {
	for _, known := range [...]struct {
		bytes     string
		operation string
		operands  string
	}{
		{"\xf3\x0f\x1e\xfa", "endbr64", ""}, // where control-flow enforcement is on
		{"\xcc", "int3", ""},                // after jumps, against speculation past them
		{"\x66\x90", "xchg", "%ax,%ax"},     // two bytes that do nothing
	} {
		if bytes.HasPrefix(code, []byte(known.bytes)) {
			i := disasm.Instruction{Len: len(known.bytes), Operation: known.operation}
			if known.operands != "" {
				i.Operands = []string{known.operands[:3], known.operands[4:]}
			}
			return i, true
		}
	}
	return disasm.Instruction{}, false
}
