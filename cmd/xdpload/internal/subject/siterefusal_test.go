package subject

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
)

// TestSiteSentences: what a driver says of a device that is not ready for XDP leads to the
// command that makes it so, also where its rules are not known. Most of these drivers need
// their card; the sentences are those of drivers/net.
func TestSiteSentences(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		errno      syscall.Errno
		frags      bool
		want       string // in the first hint, empty for none
	}{
		{"veth", "Peer MTU is too large to set XDP", syscall.ERANGE, false, "SEC(\"xdp.frags\")"},
		{"ena", "Failed to set xdp program, the current MTU (9000) is larger than the maximum allowed MTU (3498) while xdp is on", syscall.EINVAL, false, "SEC(\"xdp.frags\")"},
		{"ena, frags", "Failed to set xdp program, the current MTU (9000) is larger than the maximum allowed MTU (3498) while xdp is on", syscall.EINVAL, true, "ip link set dev eth0 mtu N"},
		{"lo", "Underlying driver does not support XDP in native mode", syscall.EOPNOTSUPP, false, "again with xdpgeneric"},
		{"hv_netvsc", "XDP: not support LRO", syscall.EOPNOTSUPP, false, "ethtool -K eth0 lro off"},
		{"veth, queues", "XDP expects number of rx queues not less than peer tx queues", syscall.ENOSPC, false, "ethtool -l eth0 shows"},
		{"ena, queues", "Failed to set xdp program, there is no enough space for allocating xdp queues, Check the dmesg for more info", syscall.EINVAL, false, "ethtool -l eth0 shows"},
		{"bnxt_en", "ethtool rx/tx channels must be combined to support XDP", syscall.EOPNOTSUPP, false, "ethtool -l eth0 shows"},
		{"any", "Something else", syscall.EINVAL, false, ""},
		{"nothing", "", syscall.EINVAL, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Site{
				Env: new(env.Env), Frags: tt.frags, Device: &offload.Device{Link: &netlink.Link{Name: "eth0"}},
				Again: func(m netlink.XDPMode) string { return "again with " + m.Keyword() },
			}
			got := s.hints(&netlink.Error{Op: "attach xdp", Message: tt.says, Err: tt.errno}, strings.ToLower(tt.says))
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

// TestSiteSilent: what is not about the device is left to who knows it.
func TestSiteSilent(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	s := Site{Env: &env.Env{Conn: bpftest.NewNamespace(t).Conn()}, Mode: netlink.XDPNative, Again: netlink.XDPMode.Keyword}
	for _, refusal := range []error{
		&netlink.Error{Op: "attach xdp", Err: syscall.EPERM},
		&netlink.Error{Op: "attach xdp", Unanswered: true, Err: os.NewSyscallError("recvfrom", syscall.ENOBUFS)},
		&attach.OccupiedError{Attachments: []*attach.Attachment{{}}, Err: &netlink.Error{Op: "attach xdp", Err: syscall.EEXIST}},
		&attach.HookError{Op: "attach", Hook: "xdp", Cause: "a link of another mode", Err: syscall.EBUSY},
		&load.Error{Program: "xdp_pass", Err: syscall.EINVAL},
	} {
		if explained := s.Explain(1, nil, refusal); explained != refusal { //nolint:errorlint // the very same
			t.Errorf("%v: explained as %#v", refusal, explained)
		}
	}
}
