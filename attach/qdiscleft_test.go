package attach_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// TestQdiscLeft: whichever request does not reach the kernel, the clsact qdisc that
// was made for a filter which does not stay is gone again, or it is told that it stays.
func TestQdiscLeft(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for _, tt := range []struct {
		name  string
		p     *prog.Program
		plans []int // the devices of the plans, by place
	}{
		{"the filter is refused", lab.Load(t, "tiny.o", elf.Selector{}).Program(), []int{0}},
		{"another filter is refused", classifier(t, "classifier"), []int{0, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := 0
			for nth := 1; ; nth++ {
				warned, more := leaveQdisc(t, tt.p, tt.plans, nth)
				if told += warned; !more {
					break
				}
			}
			if told == 0 {
				t.Error("no request was missed for the qdisc to stay")
			}
		})
	}
}

// leaveQdisc applies plans of which the last is refused, while the nth request cannot
// be sent, and reports whether there were so many. The second device has a qdisc, and
// a filter where it is to get one.
func leaveQdisc(t *testing.T, p *prog.Program, devices []int, nth int) (warned int, more bool) {
	t.Helper()
	ns := bpftest.NewNamespace(t)
	v0, v1 := ns.Veth("v0", "v1")
	hook := direct(v1, netlink.Ingress, "taken")
	hook.Filter.Pref, hook.Filter.Handle = 7, 1
	if _, err := attachIn(t, ns, classifier(t, "tc"), attach.Plan{Hook: hook}); err != nil {
		t.Fatal(err)
	}
	var plans []xdpload.Plan
	source := xdpload.Open(p)
	for _, i := range devices {
		hook.Filter.Ifindex = []int{v0, v1}[i]
		plans = append(plans, xdpload.Plan{Source: source, Hook: hook})
	}
	var all []xdpload.Outcome
	var errs []error
	more = ns.NetlinkUnsent(nth, func(c *netlink.Conn) (err error) {
		all, err = xdpload.Apply(t.Context(), c, plans, attach.Options{Atomic: true, Warn: func(error) { warned++ }})
		errs = append(errs, err)
		return nil
	})
	for _, o := range all {
		errs = append(errs, o.Err)
	}
	if errors.Join(errs...) == nil {
		t.Fatalf("request %d: nothing is refused", nth)
	}
	left := 0
	for q, err := range ns.Conn().Qdiscs(v0) {
		if err != nil {
			t.Fatal(err)
		}
		if q.Parent == netlink.HandleClsact {
			left++
		}
	}
	told := warned
	if err := errors.Join(errs...); strings.Contains(err.Error(), "could not be put back") {
		told++
	}
	if left != told {
		t.Errorf("request %d: %d qdiscs are left, and that is told %d times: %v", nth, left, told, errs)
	}
	return warned, more
}
