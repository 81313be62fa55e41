package attach_test

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// TestLinkUpdateCompared: when someone else puts a program into a link just
// before an update, that program is what the update reports as replaced.
func TestLinkUpdateCompared(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	xdp := func(t *testing.T, _ int) *prog.Program { return lab.Load(t, "tiny.o", elf.Selector{}).Program() }
	tc := func(t *testing.T, i int) *prog.Program {
		return newTrail(t).program(fmt.Sprint("p", i), int32(i), next)
	}
	for _, tt := range []struct {
		name    string
		need    []bpftest.Feature
		program func(t *testing.T, i int) *prog.Program
		plans   func(ifindex int, path string) (create, update attach.Plan)
	}{
		{"xdp", nil, xdp, func(ifindex int, path string) (create, update attach.Plan) {
			p := attach.Plan{Hook: attach.XDP{Ifindex: ifindex}, Link: path, Replace: true}
			return p, p
		}},
		{"tcx", []bpftest.Feature{bpftest.TCX}, tc, func(ifindex int, path string) (create, update attach.Plan) {
			p := attach.Plan{Hook: attach.TCX{Ifindex: ifindex}, Link: path, Replace: true}
			return p, p
		}},
		{"tcx, by its place", []bpftest.Feature{bpftest.TCX}, tc, func(ifindex int, path string) (create, update attach.Plan) {
			return attach.Plan{Hook: attach.TCX{Ifindex: ifindex}, Link: path},
				attach.Plan{Hook: attach.TCX{Ifindex: ifindex, Order: attach.Order{Anchor: attach.Replace(attach.PinnedAt(path))}}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.need...)
			ns := bpftest.NewNamespace(t)
			ifindex, _ := ns.Veth("v0", "v1")
			path := "/sys/fs/bpf/" + ns.Name
			t.Cleanup(func() { os.Remove(path) })
			create, update := tt.plans(ifindex, path)
			ours, theirs := tt.program(t, 1), tt.program(t, 2)
			if _, err := attachIn(t, ns, tt.program(t, 0), create); err != nil {
				t.Fatal(err)
			}
			link, _, err := sys.OpenPinned(path)
			if err != nil {
				t.Fatal(err)
			}
			defer sys.Close(link)
			var a *attach.Attachment
			overtake := func() error { return sys.UpdateLink(link, theirs.FD(), 0) }
			ns.NetlinkOvertaken(unix.BPF_LINK_UPDATE, overtake, func(c *netlink.Conn) error {
				a, err = lab.Attach(t, c, ours, update)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			info, err := sys.InfoOfLink(link)
			if err != nil {
				t.Fatal(err)
			}
			if info.Program != ours.ID || a.Replaced.ID != theirs.ID {
				t.Errorf("program %d is in the place of %d, said to be that of %d", info.Program, theirs.ID, a.Replaced.ID)
			}
		})
	}
}

// TestLinkPathTaken: when someone else pins a link where a new one is about to be,
// the plan that may replace updates that one, and the other is refused and leaves
// nothing.
func TestLinkPathTaken(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	for _, update := range []bool{true, false} {
		t.Run(fmt.Sprint("update ", update), func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			v0, _ := ns.Veth("v0", "v1")
			trail := newTrail(t)
			ours, theirs := trail.program("ours", 1, next), trail.program("theirs", 2, next)
			plan := attach.Plan{Hook: attach.TCX{Ifindex: v0}, Link: "/sys/fs/bpf/" + ns.Name, Replace: update}
			t.Cleanup(func() { os.Remove(plan.Link) })
			overtake := func() (err error) {
				ns.Do(func() error {
					var fd int
					if fd, err = sys.CreateLink(v0, sys.TCXIngress, theirs.FD(), sys.Place{}); err == nil {
						err = errors.Join(sys.Pin(fd, plan.Link), sys.Close(fd))
					}
					return nil
				})
				return err
			}
			var a *attach.Attachment
			var err error
			ns.NetlinkOvertaken(unix.BPF_OBJ_PIN, overtake, func(c *netlink.Conn) error {
				a, err = lab.Attach(t, c, ours, plan)
				return nil
			})
			want := "tcx/ingress theirs"
			if update {
				want = "tcx/ingress ours"
			}
			if got := on(t, ns, v0); len(got) != 1 || got[0] != want {
				t.Errorf("on the hook: %q, want %q", got, want)
			}
			if update && (err != nil || a.Replaced == nil || a.Replaced.ID != theirs.ID) || !update && !errors.Is(err, os.ErrExist) {
				t.Errorf("attached %+v, %v", a, err)
			}
		})
	}
}

// swappedAtOnce: the kernel loses track of a jump in a program whose array changes while
// the program is loaded, and panics at the array's next change, in prog_array_map_poke_run.
// Commit 4b7de801606e mends it in 6.7, 6.1.70 and 5.15.147, and nothing does in 5.10.
var swappedAtOnce = need.Mended("the panic at a change of a program array whose users are being loaded", "5.15")

// TestLinksAtOnce: of loads that put their programs into one pinned link at the same
// time, none fails.
func TestLinksAtOnce(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for _, tt := range []struct {
		name, object string
		need         []bpftest.Feature
		plan         func(ifindex int, path string) attach.Plan
	}{
		{"xdp", "live_tx.o", []bpftest.Feature{swappedAtOnce}, func(ifindex int, path string) attach.Plan {
			return attach.Plan{Hook: attach.XDP{Ifindex: ifindex}, Link: path, Replace: true}
		}},
		{"tcx", "live_tc.o", []bpftest.Feature{bpftest.TCX}, func(ifindex int, path string) attach.Plan {
			return attach.Plan{Hook: attach.TCX{Ifindex: ifindex}, Link: path, Replace: true}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.need...)
			b := lab.NewBench(t)
			plan := tt.plan(b.Hook.Ifindex, b.Root+"/link")
			options := b.Options(load.Options{})
			options.Select.Type = plan.Hook.ProgramType()
			var loops sync.WaitGroup
			for range 4 {
				loops.Go(func() {
					for range bpftest.Rounds(40) {
						b.NS.Netlink(func(c *netlink.Conn) error {
							l, _, err := lab.Install(t, c, lab.Object(t, tt.object), options, plan)
							if err != nil {
								t.Error(err)
								return nil
							}
							return l.Close()
						})
					}
				})
			}
			loops.Wait()
			if got := runningOn(b, b.Hook.Ifindex); len(got) != 1 {
				t.Errorf("on the plan: %v", got)
			}
		})
	}
}
