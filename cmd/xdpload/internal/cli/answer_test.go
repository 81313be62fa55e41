package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/netlink"
)

// TestAnswerLost: whichever answer of the kernel cannot be read, a line has failed and changed nothing,
// or has done its work.
func TestAnswerLost(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	object := testobj.Path(t, "tc.o")
	filter := "tc filter add dev v0 ingress pref 7 handle 1 bpf da obj " + object + " program act_ok"
	for _, tt := range []struct {
		name  string
		first []string // lines before it
		line  string
		shows string // what is there before or after
		words string // of it
	}{
		{"filter", []string{filter}, "tc filter del dev v0 ingress pref 7", "tc filter show dev v0 ingress", "pref 7"},
		{"filters of an object", []string{filter}, "tc filter del dev v0 ingress bpf da obj " + object + " program act_ok", "tc filter show dev v0 ingress", "pref 7"},
		{"qdisc", nil, "tc qdisc add dev v0 clsact", "tc qdisc show dev v0", "clsact"},
		{"no qdisc", []string{filter}, "tc qdisc del dev v0 clsact", "tc qdisc show dev v0", "clsact"},
		{"chain", []string{"tc qdisc add dev v0 clsact"}, "tc chain add dev v0 ingress chain 5", "tc chain show dev v0 ingress", "chain 5"},
		{"no chain", []string{"tc qdisc add dev v0 clsact", "tc chain add dev v0 ingress chain 5"}, "tc chain del dev v0 ingress chain 5", "tc chain show dev v0 ingress", "chain 5"},
		{"device", nil, "link del v0", "link show", "v0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lost, told := 0, 0
			for more := true; more; {
				ns := bpftest.NewNamespace(t)
				ns.AddVeth("v0", "v1")
				run := func(c *netlink.Conn, line string) (stdout, stderr string, err error) {
					var out, warnings bytes.Buffer
					e := &env.Env{Conn: c, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &warnings}
					j, err := parse(commands(), strings.Fields(line), nil)
					if err == nil {
						err = do(t.Context(), e, j)
					}
					return out.String(), warnings.String(), err
				}
				there := func() (yes bool) {
					ns.Netlink(func(c *netlink.Conn) error {
						out, _, err := run(c, tt.shows)
						yes = strings.Contains(out, tt.words)
						return err
					})
					return yes
				}
				for _, line := range tt.first {
					ns.Netlink(func(c *netlink.Conn) error { _, _, err := run(c, line); return err })
				}
				before := there()
				var warned string
				var failed error
				more = ns.NetlinkLosing(lost+1, func(c *netlink.Conn) error {
					_, warned, failed = run(c, tt.line)
					return nil
				})
				if done := there() != before; done != (failed == nil) {
					t.Errorf("answer %d lost: %v, and it was done: %t", lost+1, failed, done)
				}
				if more {
					lost++
				}
				if failed == nil && strings.Contains(warned, "its answer was lost") {
					told++
				}
			}
			if lost < 2 || told == 0 {
				t.Errorf("%d answers could be lost, and %d were told as lost", lost, told)
			}
		})
	}
}
