package xdpload_test

import (
	"errors"
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
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// A bench is a network namespace with a device, and a BPF file system of its own.
type bench struct {
	t     *testing.T
	ns    *bpftest.Namespace
	conn  *netlink.Conn
	hook  attach.XDP
	other attach.XDP // of another device
	root  string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ns := bpftest.NewNamespace(t)
	a, b := ns.Veth("v0", "v1")
	root := "/sys/fs/bpf/" + ns.Name
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	return &bench{
		t: t, ns: ns, conn: ns.Conn(), root: root,
		hook:  attach.XDP{Ifindex: a, Replace: true},
		other: attach.XDP{Ifindex: b, Replace: true},
	}
}

// objectOf is a fixture and the type of program that is wanted of it.
func objectOf(t *testing.T, name string) *elf.Object {
	t.Helper()
	obj, err := elf.Open(testobj.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

func (b *bench) options(o load.Options) load.Options {
	if o.Select.Type == ebpf.UnspecifiedProgram {
		o.Select.Type = ebpf.XDP
	}
	o.Pins.Root = b.root
	if o.Pins.Databases == nil {
		o.Pins.Databases = []string{}
	}
	return o
}

func (b *bench) try(object string, o load.Options, h attach.Hook) (*load.Loaded, error) {
	b.t.Helper()
	l, _, err := xdpload.Install(b.t.Context(), b.conn, objectOf(b.t, object), b.options(o), h)
	if l != nil {
		b.t.Cleanup(func() { l.Close() })
	}
	return l, err
}

// install attaches a fixture to the first device.
func (b *bench) install(object string, o load.Options) *load.Loaded {
	b.t.Helper()
	l, err := b.try(object, o, b.hook)
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

// exit closes what a load has open, as the end of the loader does.
func (b *bench) exit(l *load.Loaded) {
	b.t.Helper()
	if err := l.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// census is of the bench, which is gone with the test.
func (b *bench) census() *bpftest.Census {
	b.t.Helper()
	c, err := bpftest.NewCensus(b.root)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// ingress is the tc hook of the first device.
func (b *bench) ingress() attach.Clsact {
	return attach.Clsact{Op: attach.FilterReplace, Filter: netlink.Filter{
		Ifindex: b.hook.Ifindex, Parent: netlink.Ingress, Pref: 1, Handle: 1, BPF: &netlink.BPFFilter{Name: "test", Direct: true},
	}}
}

// attached is the id of the program on a device, 0 for none.
func (b *bench) attached(h attach.XDP) uint32 {
	b.t.Helper()
	for a, err := range attach.Attachments(b.conn, h.Ifindex) {
		if err != nil {
			b.t.Fatal(err)
		}
		return a.Program.ID
	}
	return 0
}

// detach takes the program off and lets go of what it kept alive.
func (b *bench) detach(h attach.Hook) {
	b.t.Helper()
	a, err := xdpload.Detach(b.conn, h)
	if err != nil {
		b.t.Fatal(err)
	}
	if a == nil {
		b.t.Fatal("nothing was attached")
	}
	if err := attach.Release(b.t.Context(), b.conn, b.root, a.Program); err != nil {
		b.t.Fatal(err)
	}
}

// tree is what is on the BPF file system; programs' and maps' ids are left out.
func (b *bench) tree() []string {
	b.t.Helper()
	var all []string
	err := filepath.WalkDir(b.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, strings.TrimPrefix(path, b.root+"/"))
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *bench) wantTree(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.tree()); diff != "" {
		b.t.Errorf("on the BPF file system (-want +got):\n%s", diff)
	}
}

// run has the kernel run the program with an id on one packet.
func run(t *testing.T, id uint32) uint32 {
	t.Helper()
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ret, _, err := p.Test(bpftest.Frame(1))
	if err != nil {
		t.Fatal(err)
	}
	return ret
}

func mapOf(t *testing.T, l *load.Loaded, name string) *load.Map {
	t.Helper()
	for _, m := range l.Maps {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no map %s", name)
	return nil
}

// slots are the ids of the programs in an array of programs or maps, by key.
func slots(t *testing.T, m *ebpf.Map) map[uint32]uint32 {
	t.Helper()
	all := make(map[uint32]uint32)
	var key, id uint32
	entries := m.Iterate()
	for entries.Next(&key, &id) {
		all[key] = id
	}
	if err := entries.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLoadVariables(t *testing.T) {
	b := newBench(t)
	l := b.install("globals.o", load.Options{Select: elf.Selector{Section: "xdp"}, Variables: []load.Variable{
		{Name: "enabled", Value: "true"},
		{Name: "config.limit", Value: "0x20"},
		{Name: "host4", Value: "192.0.2.1"},
		{Name: "mode", Value: "MODE_ENFORCE"},
		{Name: "ports[3]", Value: "8080"},
	}})
	if got := run(t, l.Program().ID); got != 2 {
		t.Errorf("verdict %d, want XDP_PASS", got)
	}
	var total uint64
	if err := mapOf(t, l, ".bss").Lookup(uint32(0), &total); err == nil && total == 0 {
		t.Error("the program has counted nothing")
	}
	for _, tt := range []struct{ name, value, want string }{
		{"nosuch", "1", `no such variable`},
		{"byte", "256", `does not fit`},
	} {
		_, err := b.try("globals.o", load.Options{Select: elf.Selector{Section: "xdp"}, Variables: []load.Variable{{Name: tt.name, Value: tt.value}}}, b.hook)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestLoadMapOptions(t *testing.T) {
	b := newBench(t)
	first := b.install("percpu.o", load.Options{Maps: []load.MapOption{{Name: "flows", MaxEntries: 99}}, Pins: load.PinOptions{Maps: b.root + "/mine", Program: b.root + "/mine/prog"}})
	flows := mapOf(t, first, "flows")
	if flows.MaxEntries() != 99 || flows.Pin != b.root+"/mine/flows" || flows.Reused {
		t.Errorf("flows is %+v with %d entries", flows, flows.MaxEntries())
	}
	b.wantTree("mine/flows", "mine/prog")
	same := []load.MapOption{{Name: "flows", MaxEntries: 99}}
	for _, tt := range []struct {
		name string
		o    load.Options
		want string // an error, or the same map if empty
	}{
		{name: "pinned", o: load.Options{Maps: append(same, load.MapOption{Name: "flows", Pinned: flows.Pin})}},
		{name: "id", o: load.Options{Maps: append(same, load.MapOption{Name: "flows", ID: flows.ID})}},
		{name: "directory", o: load.Options{Maps: same, Pins: load.PinOptions{Maps: b.root + "/mine"}}},
		{name: "other size", o: load.Options{Maps: []load.MapOption{{Name: "flows", ID: flows.ID}}}, want: "max_entries is 16 in the object, 99 in the pinned map"},
		{name: "other size, pinned", o: load.Options{Maps: []load.MapOption{{Name: "flows", Pinned: flows.Pin}}}, want: "max_entries is 16 in the object, 99 in the pinned map"},
		{name: "no such map", o: load.Options{Maps: []load.MapOption{{Name: "flow", ID: 1}}}, want: "map flow: the program uses no such map; it uses flows"},
		{name: "no such id", o: load.Options{Maps: []load.MapOption{{Name: "flows", ID: 1 << 30}}}, want: "map flows: id 1073741824: "},
		{name: "no such pin", o: load.Options{Maps: []load.MapOption{{Name: "flows", Pinned: b.root + "/nope"}}}, want: "map flows: open pin " + b.root + "/nope: no such file"},
		{name: "program's path is taken", o: load.Options{Pins: load.PinOptions{Program: b.root + "/mine/prog"}}, want: "pin " + b.root + "/mine/prog: file already exists"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := b.attached(b.hook)
			l, err := b.try("percpu.o", tt.o, b.hook)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if m := mapOf(t, l, "flows"); m.ID != flows.ID || !m.Reused {
					t.Errorf("map %d, want %d", m.ID, flows.ID)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if after := b.attached(b.hook); after != before {
				t.Errorf("program %d is attached, was %d", after, before)
			}
			b.wantTree("mine/flows", "mine/prog")
		})
	}
}

// TestNothingToPin: no BPF file system matters when nothing is pinned, and
// its absence is told when something is.
func TestNothingToPin(t *testing.T) {
	b := newBench(t)
	b.root = t.TempDir()
	b.install("count.o", load.Options{Select: elf.Selector{Section: "xdp"}})
	for _, object := range []string{"shared_xdp.o", "tail_self.o"} {
		_, err := b.try(object, load.Options{}, b.hook)
		path, ok := errors.AsType[*os.PathError](err)
		if !ok || path.Path != b.root || !strings.Contains(err.Error(), "not a BPF file system") {
			t.Errorf("%s: %v", object, err)
		}
	}
}
