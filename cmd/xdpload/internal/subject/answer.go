package subject

import (
	"errors"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/netlink"
)

// Made is the error of a change, and a warning instead if only the kernel's answer was lost: look
// then tells by what is there whether the change was made.
func Made(e *env.Env, err error, look func() (bool, error)) error {
	if !netlink.Unanswered(err) {
		return err
	}
	made, lookErr := look()
	if !made {
		return errors.Join(err, lookErr)
	}
	e.Warn("the change was made, but its answer was lost: %v", err)
	return nil
}
