package sys

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// btfLoadAttr is the BPF_BTF_LOAD member of union bpf_attr, up to
// btf_log_level.
type btfLoadAttr struct {
	btf         pointer
	btfLogBuf   pointer
	btfSize     uint32
	btfLogSize  uint32
	btfLogLevel uint32
	_           uint32
}

// LoadBTF gives type information to the kernel. It returns a file descriptor
// that the caller closes.
func LoadBTF(raw []byte) (int, error) {
	attr := btfLoadAttr{btf: bytesPointer(raw), btfSize: uint32(len(raw))}
	fd, err := bpf(unix.BPF_BTF_LOAD, &attr)
	runtime.KeepAlive(raw)
	if err != nil {
		return -1, fmt.Errorf("load BTF: %w", err)
	}
	return fd, nil
}
