package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestDeviceNamesKernel: a device is found by what is shown of its name, be that no UTF-8,
// or by the word that else asks for help.
func TestDeviceNamesKernel(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	drop, tc := testobj.Path(t, "drop.o"), testobj.Path(t, "tc.o")
	for _, name := range []string{"v\xff\xfe", "v\x80", "help"} {
		shown := render.Line(name)
		t.Run(shown, func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			ns.AddVeth(name, "other")
			run := func(line string) string {
				t.Helper()
				words := strings.Fields("xdpload " + line)
				for i, w := range words {
					words[i] = strings.NewReplacer("DEV", shown, "DROP", drop, "TC", tc).Replace(w)
				}
				return runIn(t, ns, words...)
			}
			tell := func(line, want string) {
				t.Helper()
				if got := run(line); !strings.Contains(got, want) {
					t.Errorf("%s: %s, want %s", line, got, want)
				}
			}
			tell("link show dev DEV", shown+"@other:")
			tell("check dev DEV", shown+": nothing")
			tell("link set dev DEV xdp obj DROP", shown+": attached")
			var links []struct{ Ifname string }
			if err := json.Unmarshal([]byte(run("-json link show dev DEV")), &links); err != nil || len(links) != 1 || links[0].Ifname != shown {
				t.Errorf("in JSON it is %q, %v, want %s", links, err, shown)
			}
			tell("net show dev DEV", "xdp_drop")
			tell("link set dev DEV xdp off", shown+": detached")
			tell("tc qdisc add dev DEV clsact", shown+": added")
			tell("tc filter add dev DEV ingress bpf da obj TC sec classifier action mirred egress mirror dev DEV", shown+" ingress: added")
			tell("tc filter show dev DEV ingress", "to device "+shown+")")
			tell("tc chain add dev DEV ingress chain 4", "")
			tell("tc chain show dev DEV ingress", "chain 4")
			tell("tc qdisc del dev DEV clsact", shown+": deleted")
			tell("link del dev DEV", shown+": deleted")
		})
	}
}
