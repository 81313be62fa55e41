package netlink

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/classic"
)

// explainBytecode adds to a bare EINVAL what is wrong with the classic programs
// of the request. The kernel is the judge: without a refusal nothing is checked.
func explainBytecode(err error, programs ...[]Instruction) error {
	refused, ok := errors.AsType[*Error](err)
	if !ok || refused.Errno() != unix.EINVAL || refused.Message != "" {
		return err
	}
	for _, program := range programs {
		if len(program) == 0 {
			continue
		}
		if cause := classic.Check(program); cause != nil {
			refused.Err = fmt.Errorf("%w: bytecode %w", refused.Err, cause)
			break
		}
	}
	return err
}
