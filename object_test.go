package xdpload_test

import (
	"cmp"
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
)

// TestLoadedBefore: what was loaded before is attached; after an error nothing of it
// is open.
func TestLoadedBefore(t *testing.T) {
	b := lab.NewBench(t)
	obj := lab.Object(t, "count.o")
	replace := true
	apply := func() (s *xdpload.Object, before *load.Loaded, err error) {
		s = &xdpload.Object{Object: obj, Options: b.Options(load.Options{Select: elf.Selector{Section: "xdp", Type: ebpf.XDP}})}
		if err := s.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		before = s.Loaded()
		all, err := attach.Apply(t.Context(), b.Conn, []attach.Plan{{Source: s, Hook: b.Hook, Replace: replace}}, attach.Options{})
		return s, before, cmp.Or(err, all[0].Err)
	}
	s, before, err := apply()
	if err != nil || s.Loaded() != before {
		t.Fatalf("%+v, %v, want %+v", s.Loaded(), err, before)
	}
	s.Close()
	replace = false
	if s, _, err = apply(); !errors.Is(err, os.ErrExist) || s.Loaded() != nil {
		t.Errorf("on a device that runs another: %v, %+v", err, s.Loaded())
	}
}

// TestOvertaken: a load that another one overtakes, with a pin where it wants
// one, begins anew and shares that map.
func TestOvertaken(t *testing.T) {
	for _, tt := range []struct {
		name    string
		devices int
	}{{"one device", 1}, {"several devices", 2}} {
		t.Run(tt.name, func(t *testing.T) {
			b := lab.NewBench(t)
			loads := 0
			o := b.Options(load.Options{Loaded: func(*load.Loaded) error {
				if loads++; loads > 1 {
					return nil
				}
				_, err := b.Try("shared_xdp.o", load.Options{}, b.Other)
				return err
			}})
			s := &xdpload.Object{Object: lab.Object(t, "shared_xdp.o"), Options: o}
			plans := []attach.Plan{{Source: s, Hook: b.Hook}, {Source: s, Hook: attach.XDP{Ifindex: 1}}}
			if _, err := attach.Apply(t.Context(), b.Conn, plans[:tt.devices], attach.Options{}); err != nil {
				t.Fatal(err)
			}
			l := s.Loaded()
			defer l.Close()
			m, pinned := lab.MapOf(t, l, "shared"), lab.PinnedID(t, b.Root+"/tc/globals/shared")
			if loads != 2 || !m.Reused || m.ID != pinned {
				t.Errorf("after %d loads map %d is used, reused is %v, and map %d is pinned", loads, m.ID, m.Reused, pinned)
			}
		})
	}
}

// TestTypeOfHook: a program whose section tells no type is of the one that the hook
// runs.
func TestTypeOfHook(t *testing.T) {
	b := lab.NewBench(t)
	s := &xdpload.Object{Object: lab.Object(t, "two.o"), Options: load.Options{Select: elf.Selector{Section: "prog"}}}
	t.Cleanup(func() { s.Close() })
	all, err := xdpload.Apply(t.Context(), b.Conn, []xdpload.Plan{{Source: s, Hook: b.Hook}}, xdpload.Options{Root: b.Root})
	if err != nil || all[0].Err != nil || all[0].Attachment.Program.Type != ebpf.XDP {
		t.Fatalf("%+v, %v", all, err)
	}
}

// TestByName: programs and maps of a load go by their names in the object, and both
// are cilium/ebpf's too.
func TestByName(t *testing.T) {
	b := lab.NewBench(t)
	l := b.Install("live_tx.o", load.Options{})
	if len(l.Programs) != 3 {
		t.Fatalf("%d programs", len(l.Programs))
	}
	for _, p := range l.Programs {
		info, err := p.Program.Info()
		if err != nil || info.Name != p.Name || l.ProgramNamed(p.Name) != p {
			t.Errorf("program %s: %+v, %v", p.Name, info, err)
		}
	}
	m := l.Map("jmp")
	if info, err := m.Info(); err != nil || info.Name != "jmp" {
		t.Errorf("map jmp: %+v, %v", info, err)
	}
	if l.Map("none") != nil || l.ProgramNamed("none") != nil {
		t.Error("there is something called none")
	}
	b.Exit(l)
}

// TestBoundAcrossNamespaces: the device that a program is loaded for is one of the
// Conn's namespace, like the one that it is attached to.
func TestBoundAcrossNamespaces(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.DeviceBound)
	b := lab.NewBench(t)
	s := &xdpload.Object{Object: lab.Object(t, "rxhash.o"), Options: b.Options(load.Options{Ifindex: b.Hook.Ifindex, BoundOnly: true})}
	t.Cleanup(func() { s.Close() })
	a, err := xdpload.Attach(t.Context(), b.Conn, xdpload.Plan{Source: s, Hook: b.Hook})
	if err != nil || a.Ifindex != b.Hook.Ifindex {
		t.Errorf("attached %+v, %v", a, err)
	}
}
