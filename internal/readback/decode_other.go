//go:build !amd64 && !arm64

package readback

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/xdpload/xdpload/internal/disasm"
)

// Architecture is the machine whose code is disassembled, "" for none.
const Architecture = ""

func decode([]byte, uint64) (disasm.Instruction, error) {
	return disasm.Instruction{}, fmt.Errorf("disassemble %s: %w", runtime.GOARCH, errors.ErrUnsupported)
}
