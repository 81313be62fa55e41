package readback

import "github.com/xdpload/xdpload/internal/disasm/arm64"

// Architecture is the machine whose code is disassembled, "" for none.
const Architecture = "arm64"

var decode = arm64.Decode
