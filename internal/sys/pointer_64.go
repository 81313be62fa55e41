//go:build amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64 || s390x

package sys

import "unsafe"

// pointer is an __aligned_u64 that the garbage collector sees as a pointer.
type pointer struct {
	p unsafe.Pointer
}
