package offloadcmd

import (
	"errors"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
)

// BindHints knows the verifier's words about a program that asks a driver for
// metadata and is bound to no device (net/core/xdp.c and kernel/bpf/verifier.c).
func BindHints(err error) []string {
	v, ok := errors.AsType[*ebpf.VerifierError](err)
	if !ok || !slices.ContainsFunc(v.Log, subject.AsksDriver) {
		return nil
	}
	return []string{"it asks the driver about packets: tie it to the device with bind, as in link set dev DEV xdp obj FILE bind"}
}
