package subject

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/load"
)

// TooOld says what of a program or map that this kernel refuses as invalid is younger than
// the kernel, by the table of elf check; "" if nothing is. The kernel has one number for all
// that it does not know.
func TooOld(obj *elf.Object, err error) string {
	if k, ok := kernel(); ok {
		return tooOld(obj, err, k)
	}
	return ""
}

func kernel() (k check.Kernel, ok bool) {
	release, _ := load.Uname()
	err := k.UnmarshalText([]byte(release))
	return k, err == nil
}

func tooOld(obj *elf.Object, err error, k check.Kernel) string {
	refused, ok := errors.AsType[*load.Error](err)
	if !ok || !errors.Is(err, unix.EINVAL) {
		return ""
	}
	reached := []string{refused.Program}
	if p, err := obj.Program(elf.Selector{Program: refused.Program}); err == nil {
		functions, _ := obj.Reach(p)
		for _, f := range functions {
			reached = append(reached, f.Name)
		}
	}
	for _, n := range check.Object(obj).After(k) {
		if n.Map == refused.Map && slices.Contains(reached, n.Program) {
			return fmt.Sprintf("%s needs Linux %s, and this is %s", n.What, n.Kernel, k)
		}
	}
	return ""
}
