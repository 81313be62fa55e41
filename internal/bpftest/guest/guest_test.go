// Package guest tests that the guests of make test-kernels have what machines
// may lack and other tests need. Its tests make devices in the namespace that the
// machine boots with.
package guest

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// kind is the need for a kind of device that ip link can add.
func kind(name, since, config string) bpftest.Feature {
	return bpftest.Feature{Name: name, Since: since, Config: config, Probe: func() error {
		out, err := exec.Command("ip", "link", "add", "probe0", "type", name).CombinedOutput()
		if err != nil {
			return errors.Join(err, errors.New(string(bytes.TrimSpace(out))))
		}
		return exec.Command("ip", "link", "del", "probe0").Run()
	}}
}

// addLink adds devices and removes them after the test.
func addLink(t *testing.T, name, kind string) {
	t.Helper()
	if out, err := exec.Command("ip", "link", "add", name, "type", kind).CombinedOutput(); err != nil {
		t.Fatalf("ip link add: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("ip", "link", "del", name).CombinedOutput(); err != nil {
			t.Errorf("ip link del: %v: %s", err, out)
		}
	})
}

func TestGuestDummy(t *testing.T) {
	bpftest.Need(t, bpftest.Guest)
	addLink(t, "d0", "dummy")
	if _, err := net.InterfaceByName("d0"); err != nil {
		t.Error(err)
	}
}

func TestGuestNetkit(t *testing.T) {
	bpftest.Need(t, bpftest.Guest, kind("netkit", "6.7", "CONFIG_NETKIT"))
	before := interfaces(t)
	addLink(t, "n0", "netkit")
	if n := interfaces(t) - before; n != 2 {
		t.Errorf("%d new devices, want a pair", n)
	}
}

func interfaces(t *testing.T) int {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestGuestNetdevsim makes a device on the simulated bus: "ID PORTS".
func TestGuestNetdevsim(t *testing.T) {
	const bus = "/sys/bus/netdevsim/"
	bpftest.Need(t, bpftest.Guest, bpftest.Feature{Name: "netdevsim", Since: "4.16", Config: "CONFIG_NETDEVSIM", Probe: func() error {
		_, err := os.Stat(bus)
		return err
	}})
	if err := os.WriteFile(bus+"new_device", []byte("7 1"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.WriteFile(bus+"del_device", []byte("7"), 0); err != nil {
			t.Error(err)
		}
	})
	if entries, err := os.ReadDir(bus + "devices/netdevsim7/net"); err != nil || len(entries) != 1 {
		t.Errorf("devices %v, error %v, want one device", entries, err)
	}
}

// TestGuestFreplace replaces a function of an XDP program, and sees the
// program's verdict change.
func TestGuestFreplace(t *testing.T) {
	bpftest.Need(t, bpftest.Guest)
	target := load(t, "subprog.o", func(s *ebpf.CollectionSpec) { s.Programs = keep(s, "xdp_global") }).Programs["xdp_global"]
	verdict := func() uint32 {
		t.Helper()
		v, _, err := target.Test(make([]byte, 64))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const drop, pass = 1, 2 // XDP_DROP and XDP_PASS of <linux/bpf.h>
	if v := verdict(); v != pass {
		t.Fatalf("verdict %d before, want %d", v, pass)
	}
	replacement := load(t, "freplace.o", func(s *ebpf.CollectionSpec) {
		p := s.Programs["replacement"]
		p.AttachTarget, p.AttachTo = target, "second_global"
	}).Programs["replacement"]
	l, err := link.AttachFreplace(nil, "", replacement)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if v := verdict(); v != drop {
		t.Errorf("verdict %d after, want %d", v, drop)
	}
}

func keep(s *ebpf.CollectionSpec, name string) map[string]*ebpf.ProgramSpec {
	return map[string]*ebpf.ProgramSpec{name: s.Programs[name]}
}

func load(t *testing.T, object string, change func(*ebpf.CollectionSpec)) *ebpf.Collection {
	t.Helper()
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(testobj.Bytes(object)))
	if err != nil {
		t.Fatal(err)
	}
	change(spec)
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
