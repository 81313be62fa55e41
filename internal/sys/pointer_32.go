//go:build 386 || arm || mipsle

package sys

import "unsafe"

// pointer is an __aligned_u64 that the garbage collector sees as a pointer.
type pointer struct {
	p unsafe.Pointer
	_ uint32
}
