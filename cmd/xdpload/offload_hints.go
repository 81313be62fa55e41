package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
)

// bindHints knows the verifier's words about a program that asks a driver for
// metadata and is bound to no device (net/core/xdp.c and kernel/bpf/verifier.c).
func bindHints(err error) []string {
	v, ok := errors.AsType[*ebpf.VerifierError](err)
	if !ok || !slices.ContainsFunc(v.Log, asksDriver) {
		return nil
	}
	return []string{"it asks the driver about packets: tie it to the device with bind, as in link set dev DEV xdp obj FILE bind"}
}

// asksDriver reports whether a line of the verifier's log says that the program
// is to be bound to a device.
func asksDriver(line string) bool {
	return strings.Contains(line, "metadata kfuncs require device-bound program")
}
