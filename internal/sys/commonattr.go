package sys

import (
	"bytes"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// withCommon is BPF_COMMON_ATTRS, a flag of a command of bpf(2): the call has a struct
// bpf_common_attr and its size as a fourth and a fifth argument. Linux 7.2 has it; older
// kernels do not know such a command.
const withCommon = 1 << 16

// commonAttr is struct bpf_common_attr.
type commonAttr struct {
	logBuf      pointer
	logSize     uint32
	logLevel    uint32
	logTrueSize uint32
	_           uint32
}

// WhyNoMap asks once more for a map that was refused, and returns what the kernel says of
// it: "Invalid numa_node.". It is "" where the kernel says nothing.
func WhyNoMap(name string, m Map) string {
	m.name = objName(name)
	log := make([]byte, 4096)
	common := commonAttr{logBuf: bytesPointer(log), logSize: uint32(len(log)), logLevel: 1}
	fd, _, errno := unix.Syscall6(unix.SYS_BPF, unix.BPF_MAP_CREATE|withCommon, uintptr(unsafe.Pointer(&m)), unsafe.Sizeof(m),
		uintptr(unsafe.Pointer(&common)), unsafe.Sizeof(common), 0)
	runtime.KeepAlive(log)
	if errno == 0 {
		_ = Close(int(fd))
		return ""
	}
	text, _, _ := bytes.Cut(log, []byte{0})
	return string(bytes.TrimSpace(text))
}
