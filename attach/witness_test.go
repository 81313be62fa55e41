package attach_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/netlink"
)

// tc runs the witness, and returns what it prints.
func tc(t *testing.T, ns *bpftest.Namespace, words string) []byte {
	t.Helper()
	bpftest.Need(t, bpftest.Command("tc"))
	cmd := exec.Command("tc", strings.Fields(words)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := ns.Run(cmd); err != nil {
		t.Fatalf("tc %s: %v", words, err)
	}
	return out.Bytes()
}

// shown is what tc shows of a filter.
type shown struct {
	Protocol string
	Pref     uint16
	Chain    uint32
	Options  *struct {
		Handle string
		Name   string `json:"bpf_name"`
		Direct bool   `json:"direct-action"`
		Prog   struct{ ID uint32 }
	}
}

// filters are the filters on a hook of v0, without the heads of their prefs.
func filters(t *testing.T, ns *bpftest.Namespace, parent netlink.Parent) []shown {
	t.Helper()
	var all []shown
	if err := json.Unmarshal(tc(t, ns, "-j filter show dev v0 "+parent.String()), &all); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(f shown) bool { return f.Options == nil })
}

// witness is what `ip -json link` says of a device's XDP state.
func witness(t *testing.T, ns *bpftest.Namespace, device string) (mode int, ids []uint32) {
	t.Helper()
	cmd := exec.Command("ip", "-json", "-details", "link", "show", "dev", device)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := ns.Run(cmd); err != nil {
		t.Fatal(err)
	}
	var links []struct {
		XDP struct {
			Mode     int
			Attached []struct{ Prog struct{ ID uint32 } }
		}
	}
	if err := json.Unmarshal([]byte(out.String()), &links); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	for _, a := range links[0].XDP.Attached {
		ids = append(ids, a.Prog.ID)
	}
	return links[0].XDP.Mode, ids
}

// linkWitness is what bpftool says of a link.
type linkWitness struct {
	ID      uint32
	Type    string
	Prog    uint32   `json:"prog_id"`
	Pinned  []string `json:"pinned"`
	Devname string
}

func bpftoolLink(t *testing.T, ns *bpftest.Namespace, id uint32) (link linkWitness) {
	t.Helper()
	bpftest.Need(t, bpftest.Command("bpftool"))
	cmd := exec.Command("bpftool", "-j", "-f", "link", "show", "id", fmt.Sprint(id))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := ns.Run(cmd); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out.String()), &link); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return link
}
