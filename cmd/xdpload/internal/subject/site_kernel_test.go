package subject

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
	"github.com/xdpload/xdpload/prog"
)

// A setting is a device d0 as ip makes it: far is a second namespace, PROGRAM an object.
type setting struct {
	name  string
	needs []bpftest.Feature
	ip    []string
	fixes string // what each way out of d0's native mode has in it
}

func settings() (all []setting) {
	for _, where := range []string{"", " netns far"} {
		for _, mtu := range []int{1500, 3506, 3507, 9000} {
			for _, queues := range []int{1, 4} {
				set := "ip link set dev d1 mtu " + fmt.Sprint(mtu)
				if where != "" {
					set = "ip -n far link set dev d1 mtu " + fmt.Sprint(mtu)
				}
				all = append(all, setting{
					name: fmt.Sprintf("veth, the other end%s with MTU %d and %d queues", where, mtu, queues),
					ip: []string{
						fmt.Sprintf("ip link add name d0 numrxqueues 2 numtxqueues 2 type veth peer name d1 numtxqueues %d numrxqueues 1%s", queues, where), set,
					},
					fixes: " d1 ",
				})
			}
		}
	}
	tun := bpftest.Feature{Name: "tun", Probe: func() error {
		f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
		if err == nil {
			err = f.Close()
		}
		return err
	}}
	bridge := bpftest.Feature{Name: "bridge", Config: "CONFIG_BRIDGE", Probe: func() error {
		return exec.Command("unshare", "--net", "ip", "link", "add", "type", "bridge").Run()
	}}
	return append(all,
		setting{name: "tun", needs: []bpftest.Feature{tun}, ip: []string{"ip tuntap add dev d0 mode tun"}, fixes: "xdpgeneric"},
		setting{name: "tap", needs: []bpftest.Feature{tun}, ip: []string{"ip tuntap add dev d0 mode tap"}},
		setting{name: "tap, large", needs: []bpftest.Feature{tun}, ip: []string{"ip tuntap add dev d0 mode tap", "ip link set dev d0 mtu 9000"}},
		setting{name: "bridge", needs: []bpftest.Feature{bridge}, ip: []string{"ip link add d0 type bridge"}, fixes: "xdpgeneric"},
		setting{name: "port", needs: []bpftest.Feature{bridge}, ip: []string{
			"ip link add b0 type bridge", "ip link add name d0 type veth peer name d1", "ip link set dev d0 master b0",
		}},
		setting{name: "port of a bridge with a program", needs: []bpftest.Feature{bridge}, ip: []string{
			"ip link add b0 type bridge", "ip link add name d0 type veth peer name d1", "ip link set dev d0 master b0",
			"ip link set dev b0 xdpgeneric obj PROGRAM sec xdp",
		}, fixes: "xdpload link set dev b0 xdp off"},
	)
}

// TestProspectOfKernel: what is said beforehand is what the kernel does, of every kind of device
// that any machine has, in every mode, with a program of either kind.
func TestProspectOfKernel(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Frags, bpftest.Command("ip"), bpftest.Command("unshare"))
	object := lab.Object(t, "tiny.o").Path()
	programs := map[bool]*prog.Program{
		false: lab.Load(t, "tiny.o", elf.Selector{}).Program(),
		true:  lab.Load(t, "frags.o", elf.Selector{}).Program(),
	}
	for _, set := range settings() {
		t.Run(set.name, func(t *testing.T) {
			bpftest.Need(t, set.needs...)
			near, far := bpftest.NewNamespace(t), bpftest.NewNamespace(t)
			for _, line := range set.ip {
				line = strings.NewReplacer("far", far.Name, "PROGRAM", object).Replace(line)
				cmd := exec.Command("sh", "-c", line)
				cmd.Stderr = os.Stderr
				if err := near.Run(cmd); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
			for _, mode := range []netlink.XDPMode{netlink.XDPAny, netlink.XDPNative, netlink.XDPGeneric} {
				for frags, p := range programs {
					judge(t, near, set, mode, frags, p)
				}
			}
		})
	}
}

func judge(t *testing.T, ns *bpftest.Namespace, set setting, mode netlink.XDPMode, frags bool, p *prog.Program) {
	t.Helper()
	ns.Netlink(func(c *netlink.Conn) error {
		l, err := c.Link("d0")
		if err != nil {
			return err
		}
		s := Site{Env: &env.Env{Conn: c}, Mode: mode, Frags: frags, Again: netlink.XDPMode.Keyword}
		if s.Device, err = offload.Probe(c, l.Index); err != nil {
			return err
		}
		said, err := s.Prospect()
		if err != nil {
			return err
		}
		_, refused := lab.Attach(t, c, p, attach.Plan{Hook: attach.XDP{Ifindex: l.Index, Mode: mode}})
		if (len(said.Problems) > 0) != (refused != nil) || len(said.Unknown) > 0 {
			t.Errorf("%v, frags %v: said to be in the way: %q, not known: %q; the kernel: %v", mode, frags, said.Problems, said.Unknown, refused)
		}
		for _, o := range said.Problems {
			if !strings.Contains(o.Fix+" ", set.fixes) {
				t.Errorf("%v, frags %v: %q: the way out is %q, without %q", mode, frags, o.Problem, o.Fix, set.fixes)
			}
		}
		explained(t, &s, refused, said.Problems)
		if refused == nil {
			_, err = attach.Apply(t.Context(), c, []attach.Plan{{Hook: attach.XDP{Ifindex: l.Index, Mode: netlink.XDPAny}}}, attach.Options{})
		}
		return err
	})
}

// explained wants the ways out of a refusal to be of those that were said before.
func explained(t *testing.T, s *Site, refused error, problems []Obstacle) {
	t.Helper()
	hinted, ok := errors.AsType[env.Hinter](s.Explain(s.Device.Link.Index, nil, refused))
	if !ok {
		if refused != nil {
			t.Errorf("%v has no way out", refused)
		}
		return
	}
	for _, hint := range hinted.Hints() {
		if !slices.ContainsFunc(problems, func(o Obstacle) bool { return hint == o.Problem+": "+o.Fix }) {
			t.Errorf("%v: hint %q is none of %q", refused, hint, problems)
		}
	}
	if len(hinted.Hints()) == 0 {
		t.Errorf("%v has no hint", refused)
	}
}
