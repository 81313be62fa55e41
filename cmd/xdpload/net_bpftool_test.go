package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestNetAgainstBpftool: net show lists what bpftool net lists: device, hook,
// program and bpf_link. Older ones do not know tcx.
func TestNetAgainstBpftool(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.EachPeer(t, testNetAgainstBpftool, "bpftool")
}

func testNetAgainstBpftool(t *testing.T, newest bool) {
	ns := bpftest.NewNamespace(t)
	ns.Veth("v0", "v1")
	testobj.Chdir(t)
	lines := []string{
		"link set v0 xdp obj tiny.o", "link set v1 xdpgeneric obj tiny.o",
		"tc filter add dev v0 ingress bpf da obj tc.o sec classifier", "tc filter add dev v0 egress pref 5 chain 2 bpf obj tc.o sec tc",
		"tc filter add dev v1 ingress pref 2 bpf da obj tc.o sec action", "tc filter add dev v1 ingress pref 1 bpf da obj tc.o sec tc",
	}
	if newest && bpftest.TCX.Probe() == nil {
		lines = append(lines, "tcx attach dev v0 ingress obj tc.o sec classifier", "tcx attach dev v0 ingress obj tc.o sec tc",
			"tcx attach dev v1 egress obj tc.o sec action link /sys/fs/bpf/"+ns.Name)
	}
	for _, line := range lines {
		runIn(t, ns, append([]string{"xdpload"}, strings.Fields(line)...)...)
	}
	want, got := netOfBpftool(t, ns), netOfOurs(t, ns)
	if diff := cmp.Diff(want, got); diff != "" || len(want) != len(lines) {
		t.Errorf("%d programs are attached; -bpftool +xdpload:\n%s", len(lines), diff)
	}
}

func netOfBpftool(t *testing.T, ns *bpftest.Namespace) (all []string) {
	type entry struct {
		Devname, Mode, Kind string
		ID                  uint32
		ProgID              uint32 `json:"prog_id"` // of tcx
		LinkID              uint32 `json:"link_id"`
	}
	var nets []struct{ XDP, TC []entry }
	if err := json.Unmarshal([]byte(output(t, ns, "bpftool", "-j", "net", "show")), &nets); err != nil {
		t.Fatal(err)
	}
	modes := map[string]string{"driver": "xdpdrv", "generic": "xdpgeneric"}
	for _, x := range nets[0].XDP {
		all = append(all, fmt.Sprint(x.Devname, " ", modes[x.Mode], " ", x.ID, " link ", x.LinkID))
	}
	for _, x := range nets[0].TC {
		all = append(all, fmt.Sprint(x.Devname, " ", x.Kind, " ", max(x.ID, x.ProgID), " link ", x.LinkID))
	}
	slices.Sort(all)
	return all
}

func netOfOurs(t *testing.T, ns *bpftest.Namespace) (all []string) {
	var devices []struct {
		Device   string
		Attached []struct {
			Hook string
			Prog struct{ ID uint32 }
			Link struct{ ID uint32 } `json:"bpf_link"`
		}
	}
	if err := json.Unmarshal([]byte(runIn(t, ns, "xdpload", "-json", "net", "show")), &devices); err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		for _, a := range d.Attached {
			all = append(all, fmt.Sprint(d.Device, " ", a.Hook, " ", a.Prog.ID, " link ", a.Link.ID))
		}
	}
	slices.Sort(all)
	return all
}
