package xdpload_test

import (
	"errors"
	"os"
	"testing"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/netlink"
)

// TestFiltersInFlight adds three filters, one of which is there already.
func TestFiltersInFlight(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	p := classifier(t, "classifier")
	first := direct(v0, netlink.Ingress, "one.o:[classifier]")
	first.Filter.Pref, first.Filter.Handle = 7, 1
	if _, err := xdpload.Attach(c, p, first); err != nil {
		t.Fatal(err)
	}
	source, plans := xdpload.Open(p), make([]attach.Plan, 3)
	for i := range plans {
		h := first
		h.Filter.Pref = uint16(6 + i) // the middle one is there
		plans[i] = attach.Plan{Source: source, Hook: h}
	}
	got, err := attach.Apply(t.Context(), c, plans, attach.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range got {
		a := o.Attachment
		switch {
		case i == 1:
			if a != nil || !errors.Is(o.Err, os.ErrExist) {
				t.Errorf("taken: %+v, %v", a, o.Err)
			}
		case o.Err != nil:
			t.Error(o.Err)
		case a.Program.ID != p.ID, a.Filter.Pref != uint16(6+i), a.Filter.Handle != 1, a.Device != "v0", a.Filter.Qdisc != "clsact":
			t.Errorf("got %+v, %+v", a, a.Filter)
		}
	}
}

// TestDetachNoEgress: what is on ingress is not on the egress of an ingress qdisc.
func TestDetachNoEgress(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	c := ns.Conn()
	if err := c.AddQdisc(netlink.IngressQdisc(v0)); err != nil {
		t.Fatal(err)
	}
	h := direct(v0, netlink.Ingress, "one.o:[classifier]")
	h.Filter.Pref, h.Filter.Handle = 7, 1
	if _, err := xdpload.Attach(c, classifier(t, "classifier"), h); err != nil {
		t.Fatal(err)
	}
	h.Filter.Parent = netlink.Egress
	if a, err := xdpload.Detach(c, h); a != nil || !isNoEgress(err) {
		t.Errorf("by handle: %+v, %v", a, err)
	}
	h.Filter.Handle = 0
	if a, err := xdpload.Detach(c, h); a != nil || !isNoEgress(err) {
		t.Errorf("by name: %+v, %v", a, err)
	}
	h.Filter.Parent = netlink.Ingress
	if a, err := xdpload.Detach(c, h); a == nil || err != nil {
		t.Errorf("on ingress: %+v, %v", a, err)
	}
}

func isNoEgress(err error) bool {
	_, ok := errors.AsType[*attach.NoEgressError](err)
	return ok
}
