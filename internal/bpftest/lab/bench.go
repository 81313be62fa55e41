package lab

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// Attach carries out a plan that says all but what shall run.
func Attach(t testing.TB, c *netlink.Conn, p *prog.Program, plan attach.Plan) (*attach.Attachment, error) {
	plan.Source = xdpload.Open(p)
	return xdpload.Attach(t.Context(), c, plan)
}

// Install is Attach for a fixture. The caller closes what was loaded.
func Install(t testing.TB, c *netlink.Conn, obj *elf.Object, o load.Options, plan attach.Plan) (*load.Loaded, *attach.Attachment, error) {
	t.Helper()
	s := &xdpload.Object{Object: obj, Options: o}
	plan.Source = s
	a, err := xdpload.Attach(t.Context(), c, plan)
	return s.Loaded(), a, err
}

// A Bench is a network namespace with a pair of devices, and a directory of its
// own on the BPF file system. What goes wrong in its methods ends the test.
type Bench struct {
	NS    *bpftest.Namespace
	Conn  *netlink.Conn
	Hook  attach.XDP // of the first device
	Other attach.XDP // of the second
	Root  string     // the directory

	T testing.TB
}

// NewBench makes a bench that lives as long as the test.
func NewBench(t testing.TB) *Bench {
	t.Helper()
	ns := bpftest.NewNamespace(t)
	first, second := ns.Veth("v0", "v1")
	root := "/sys/fs/bpf/" + ns.Name
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	return &Bench{
		T: t, NS: ns, Conn: ns.Conn(), Root: root,
		Hook:  attach.XDP{Ifindex: first},
		Other: attach.XDP{Ifindex: second},
	}
}

// Ingress is the tc hook of the first device.
func (b *Bench) Ingress() attach.Clsact {
	return attach.Clsact{Filter: netlink.Filter{
		Ifindex: b.Hook.Ifindex, Parent: netlink.Ingress, Pref: 1, Handle: 1, BPF: &netlink.BPFFilter{Name: "test", Direct: true},
	}}
}

// Options are o for an XDP program, if it says no other type, with the pins on
// the bench.
func (b *Bench) Options(o load.Options) load.Options {
	if o.Select.Type == ebpf.UnspecifiedProgram {
		o.Select.Type = ebpf.XDP
	}
	o.Pins.Root = b.Root
	if o.Pins.Databases == nil {
		o.Pins.Databases = []string{}
	}
	return o
}

// Try installs a fixture on a hook, where it replaces what is there, or says why that
// was refused. What was loaded is closed with the test.
func (b *Bench) Try(object string, o load.Options, h attach.Hook) (*load.Loaded, error) {
	b.T.Helper()
	return b.TryPlan(object, o, attach.Plan{Hook: h, Replace: true})
}

// TryPlan is Try for what else a plan says.
func (b *Bench) TryPlan(object string, o load.Options, p attach.Plan) (*load.Loaded, error) {
	b.T.Helper()
	l, _, err := Install(b.T, b.Conn, Object(b.T, object), b.Options(o), p)
	if l != nil {
		b.T.Cleanup(func() { l.Close() })
	}
	return l, err
}

// Install installs a fixture on Hook.
func (b *Bench) Install(object string, o load.Options) *load.Loaded {
	b.T.Helper()
	l, err := b.Try(object, o, b.Hook)
	if err != nil {
		b.T.Fatal(err)
	}
	return l
}

// Exit closes what a load has open, as the end of the loader does.
func (b *Bench) Exit(l *load.Loaded) {
	b.T.Helper()
	if err := l.Close(); err != nil {
		b.T.Fatal(err)
	}
}

// Attached is the id of the program on a hook's device, 0 for none.
func (b *Bench) Attached(h attach.XDP) uint32 {
	b.T.Helper()
	for a, err := range attach.Attachments(b.Conn, h.Ifindex) {
		if err != nil {
			b.T.Fatal(err)
		}
		return a.Program.ID
	}
	return 0
}

// Detach takes the program off a hook and lets go of what it kept alive.
func (b *Bench) Detach(h attach.Hook) {
	b.T.Helper()
	a, err := xdpload.Detach(b.T.Context(), b.Conn, h)
	if err != nil {
		b.T.Fatal(err)
	}
	if err := attach.Release(b.T.Context(), b.Conn, b.Root, a.Program); err != nil {
		b.T.Fatal(err)
	}
}

// Pins are the paths below Root of what is pinned.
func (b *Bench) Pins() []string {
	b.T.Helper()
	var all []string
	err := filepath.WalkDir(b.Root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, strings.TrimPrefix(path, b.Root+"/"))
		}
		return err
	})
	if err != nil {
		b.T.Fatal(err)
	}
	return all
}

// WantPins fails the test if anything else is pinned, but lets it go on.
func (b *Bench) WantPins(want ...string) {
	b.T.Helper()
	if diff := cmp.Diff(want, b.Pins()); diff != "" {
		b.T.Errorf("on the BPF file system (-want +got):\n%s", diff)
	}
}
