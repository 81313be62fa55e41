package intercept

import (
	"testing"
	"unsafe"
)

// The sizes are those of the ioctls' numbers (include/uapi/linux/seccomp.h).
func TestSizes(t *testing.T) {
	if got := unsafe.Sizeof(notification{}); got != 80 {
		t.Errorf("struct seccomp_notif has %d bytes", got)
	}
	if got := unsafe.Sizeof(answer{}); got != 24 {
		t.Errorf("struct seccomp_notif_resp has %d bytes", got)
	}
}
