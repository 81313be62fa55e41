package kernelname

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
)

func TestRefusal(t *testing.T) {
	named := errors.New("not supported")
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"the call itself", fmt.Errorf("creating map: map create: %w", syscall.EIO), "input/output error"},
		{"of a descriptor", fmt.Errorf("discover program type: getting object info: %w", syscall.EINVAL), "invalid argument"},
		{"a token", fmt.Errorf(`creating map: map create: apply token attributes: get token: create token from "/my fs": open bpffs mount "/my fs": %w`, syscall.ENOTDIR), `create token from "/my fs": not a directory`},
		{"functions", fmt.Errorf("fixing up kfuncs: finding kfunc in kernel: find target in modules: iterate modules: %w", syscall.EIO), "find the kernel's functions: input/output error"},
		{"elements", fmt.Errorf("populating map: putting value: key 0: update: %w", syscall.E2BIG), "set its elements: argument list too long"},
		{"types", fmt.Errorf("creating map: load BTF: %w", syscall.EINVAL), "load types: invalid argument"},
		{"no number", fmt.Errorf("program type: %w", named), "program type: not supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Refusal(tt.err)
			if got.Error() != tt.want || !errors.Is(got, tt.err) {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
	if got := Refusal(nil); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}
