package offload

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/netlink"
)

func TestMain(m *testing.M) { os.Exit(bpftest.Main(m)) }

func TestDrivers(t *testing.T) {
	names := make([]string, 0, 32)
	for _, d := range Drivers() {
		names = append(names, d.Name)
		if d.Source == "" || d.Native == "" {
			t.Errorf("%s: native %q, source %q", d.Name, d.Native, d.Source)
		}
		if got := DriverNamed(d.Name); got == nil || *got != d {
			t.Errorf("DriverNamed(%q) = %v", d.Name, got)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("not sorted, or one twice: %v", names)
	}
	if d := DriverNamed("nosuch"); d != nil {
		t.Errorf("a driver that is not known: %v", d)
	}
}

func TestProbe(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	index, _ := ns.Veth("v0", "v1")
	ns.Netlink(func(c *netlink.Conn) error {
		d, err := Probe(c, index)
		if err != nil {
			return err
		}
		if d.Driver != "veth" || d.Link.Name != "v0" || d.Known() == nil {
			t.Errorf("driver %q of %s", d.Driver, d.Link.Name)
		}
		want, err := c.Features(index)
		if errors.Is(err, errors.ErrUnsupported) {
			want = nil
		} else if err != nil {
			return err
		}
		if (d.Features == nil) != (want == nil) || want != nil && *d.Features != *want {
			t.Errorf("features %v, want %v", d.Features, want)
		}
		if _, err := Probe(c, 4000); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a device that is not there: %v", err)
		}
		return nil
	})
}
