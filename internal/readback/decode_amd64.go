package readback

import "github.com/xdpload/xdpload/internal/disasm/x86"

// Architecture is the machine whose code is disassembled, "" for none.
const Architecture = "x86-64"

var decode = x86.Decode
