package cli

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/xdpload/xdpload/netlink"
)

// TestKernelHints: what a driver says of a device that is not ready for XDP
// leads to the command that makes it so. Most of these drivers need their card;
// the sentences are those of drivers/net.
func TestKernelHints(t *testing.T) {
	for _, tt := range []struct {
		driver, says string
		errno        syscall.Errno
		want         string // in the first hint, empty for none
	}{
		{"veth", "Peer MTU is too large to set XDP", syscall.ERANGE, "xdp.frags"},
		{"ena", "Failed to set xdp program, the current MTU (9000) is larger than the maximum allowed MTU (3498) while xdp is on", syscall.EINVAL, "xdp.frags"},
		{"lo", "Underlying driver does not support XDP in native mode", syscall.EOPNOTSUPP, "xdpgeneric"},
		{"hv_netvsc", "XDP: not support LRO", syscall.EOPNOTSUPP, "ethtool -K DEV lro off"},
		{"veth", "XDP expects number of rx queues not less than peer tx queues", syscall.ENOSPC, "ethtool -L DEV combined"},
		{"ena", "Failed to set xdp program, there is no enough space for allocating xdp queues, Check the dmesg for more info", syscall.EINVAL, "ethtool -L DEV combined"},
		{"bnxt_en", "ethtool rx/tx channels must be combined to support XDP", syscall.EOPNOTSUPP, "ethtool -L DEV combined"},
		{"any", "Something else", syscall.EINVAL, ""},
		{"any", "", syscall.EINVAL, ""},
	} {
		t.Run(tt.driver+" "+tt.says, func(t *testing.T) {
			err := fmt.Errorf("v0: %w", &netlink.Error{Op: "attach xdp", Message: tt.says, Err: tt.errno})
			got := Hints(err)
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("hints %q, want none", got)
				}
				return
			}
			if len(got) == 0 || !strings.Contains(got[0], tt.want) {
				t.Errorf("hints %q, want %q in the first", got, tt.want)
			}
		})
	}
}
