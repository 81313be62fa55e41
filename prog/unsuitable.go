package prog

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// UnsuitableError is a refusal for which the kernel gives no reason but a
// number, and the reason that is known of it.
type UnsuitableError struct {
	Cause   string // a sentence
	Offload bool   // the device cannot run programs itself
	// Type is that of the program that was to run on the device, where Offload is set.
	Type ebpf.ProgramType
	Err  error // the refusal
}

func (e *UnsuitableError) Error() string { return fmt.Sprintf("%v: %s", e.Err, e.Cause) }

// Unwrap returns the kernel's refusal.
func (e *UnsuitableError) Unwrap() error { return e.Err }

// NoOffload is the cause of a refusal of what a device shall run itself.
const NoOffload = "the device's driver has no BPF offload"
