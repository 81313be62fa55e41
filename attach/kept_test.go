package attach_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// keptHooks are ways to put one program in the place of another.
func keptHooks(b *lab.Bench) map[string]attach.Plan {
	return map[string]attach.Plan{
		"xdp":       {Hook: b.Hook, Replace: true},
		"bpf_link":  {Hook: b.Other, Replace: true, Link: b.Root + "/link"},
		"clsact":    {Hook: b.Ingress(), Replace: true},
		"tcx":       {Hook: attach.TCX{Ifindex: b.Hook.Ifindex, Order: attach.Order{Anchor: attach.Replace(attach.Ref{})}}},
		"tcx, link": {Hook: attach.TCX{Ifindex: b.Other.Ifindex}, Replace: true, Link: b.Root + "/tcx"},
	}
}

// programFor makes a program of a type, as its sections have it.
func programFor(t *testing.T, typ ebpf.ProgramType) *prog.Program {
	spec := &ebpf.ProgramSpec{
		Name: "p", Type: typ, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
	}
	if typ == ebpf.XDP {
		spec.AttachType = ebpf.AttachXDP
	}
	return newProgram(t, spec)
}

func needsTCX(p attach.Plan) bool {
	_, tcx := p.Hook.(attach.TCX)
	return tcx
}

// TestKept: what is replaced is pinned, on every hook, by a load and by a program that is
// open; the pin is what puts it back. Where nothing is replaced, nothing is pinned.
func TestKept(t *testing.T) {
	b := lab.NewBench(t)
	for name, plan := range keptHooks(b) {
		t.Run(name, func(t *testing.T) {
			if needsTCX(plan) {
				bpftest.Need(t, bpftest.TCX)
			}
			typed := func() *prog.Program {
				return programFor(t, plan.Hook.ProgramType())
			}
			plan.Keep = b.Root + "/kept"
			first := plan
			if h, ok := first.Hook.(attach.TCX); ok {
				h.Anchor = nil
				first.Hook = h
			}
			old := typed()
			a, err := attachIn(t, b.NS, old, first)
			if err != nil || a.Kept != "" {
				t.Fatalf("alone: %v, %+v", err, a)
			}
			for _, next := range []func() (*attach.Attachment, error){
				func() (*attach.Attachment, error) { return attachIn(t, b.NS, typed(), plan) },
				func() (*attach.Attachment, error) { return installIn(t, b, plan) },
			} {
				a, err := next()
				if err != nil {
					t.Fatal(err)
				}
				kept, err := prog.OpenPinned(plan.Keep, 0)
				if err != nil {
					t.Fatal(err)
				}
				if a.Kept != plan.Keep || kept.ID != old.ID || a.Replaced == nil || a.Replaced.ID != old.ID {
					t.Errorf("kept program %d at %q, replaced %+v; want %d", kept.ID, a.Kept, a.Replaced, old.ID)
				}
				_, err = attachIn(t, b.NS, typed(), plan) // the path is taken
				if x, ok := errors.AsType[*os.PathError](err); !ok || !errors.Is(err, os.ErrExist) || x.Path != plan.Keep {
					t.Errorf("a path that is taken: %v", err)
				}
				if err := os.Remove(plan.Keep); err != nil {
					t.Fatal(err)
				}
				back := plan
				back.Keep = ""
				if _, err := attachIn(t, b.NS, kept, back); err != nil {
					t.Errorf("put back: %v", err)
				}
				_ = kept.Close()
			}
		})
	}
}

// installIn is attachIn for a fixture.
func installIn(t *testing.T, b *lab.Bench, plan attach.Plan) (a *attach.Attachment, err error) {
	object := map[ebpf.ProgramType]string{ebpf.XDP: "tiny.o", ebpf.SchedCLS: "tc.o"}[plan.Hook.ProgramType()]
	b.NS.Netlink(func(c *netlink.Conn) error {
		l, attached, refused := lab.Install(t, c, lab.Object(t, object), b.Options(load.Options{
			Select: elf.Selector{Type: plan.Hook.ProgramType(), Section: map[string]string{"tc.o": "tc"}[object]},
		}), plan)
		if l != nil {
			_ = l.Close()
		}
		a, err = attached, refused
		return nil
	})
	return a, err
}

// TestKeptRace: what is kept is what was replaced, also if someone else replaces it when it
// has just been pinned.
func TestKeptRace(t *testing.T) {
	b := lab.NewBench(t)
	for name, plan := range keptHooks(b) {
		if name == "clsact" {
			continue // the kernel compares nothing there
		}
		t.Run(name, func(t *testing.T) {
			if needsTCX(plan) {
				bpftest.Need(t, bpftest.TCX)
			}
			programs := make([]*prog.Program, 3)
			for i := range programs {
				programs[i] = programFor(t, plan.Hook.ProgramType())
			}
			first := plan
			if h, ok := first.Hook.(attach.TCX); ok {
				h.Anchor = nil
				first.Hook = h
			}
			if _, err := attachIn(t, b.NS, programs[0], first); err != nil {
				t.Fatal(err)
			}
			mine := plan
			mine.Source, mine.Keep = xdpload.Open(programs[2]), b.Root+"/kept"
			var a *attach.Attachment
			b.NS.NetlinkStopped(unix.BPF_OBJ_PIN, func(n int) unix.Errno {
				if n == 1 {
					overtake(t, b, plan, programs[1])
				}
				return 0
			}, func(c *netlink.Conn) (err error) {
				a, err = xdpload.Attach(t.Context(), c, mine)
				return err
			})
			defer os.Remove(mine.Keep)
			kept, err := prog.OpenPinned(mine.Keep, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer kept.Close()
			if kept.ID != programs[1].ID || a.Replaced == nil || a.Replaced.ID != kept.ID {
				t.Errorf("kept program %d, replaced %+v; want %d", kept.ID, a.Replaced, programs[1].ID)
			}
		})
	}
}

// overtake does what another process might do just then.
func overtake(t *testing.T, b *lab.Bench, plan attach.Plan, p *prog.Program) {
	if plan.Link == "" {
		if _, err := attachIn(t, b.NS, p, plan); err != nil {
			t.Error(err)
		}
		return
	}
	l, err := attach.OpenLink(attach.PinnedAt(plan.Link))
	if err != nil {
		t.Error(err)
		return
	}
	defer l.Close()
	if err := l.Update(p, nil); err != nil {
		t.Error(err)
	}
}

// TestKeptRefused: of a change that is refused no pin is left.
func TestKeptRefused(t *testing.T) {
	b := lab.NewBench(t)
	there := lab.Load(t, "tiny.o", elf.Selector{}).Program()
	if _, err := attachIn(t, b.NS, there, attach.Plan{Hook: b.Hook}); err != nil {
		t.Fatal(err)
	}
	other := b.Hook
	other.Mode = netlink.XDPGeneric // beside a native one there is none
	other.Ifindex = b.Hook.Ifindex
	next := lab.Load(t, "drop.o", elf.Selector{}).Program()
	tc := programFor(t, ebpf.SchedCLS)
	for name, plan := range map[string]attach.Plan{
		"another mode": {Source: xdpload.Open(next), Hook: other, Replace: true},
		"another type": {Source: xdpload.Open(tc), Hook: b.Hook, Replace: true},
	} {
		plan.Keep = b.Root + "/kept"
		b.NS.Netlink(func(c *netlink.Conn) error {
			if _, err := xdpload.Attach(t.Context(), c, plan); err == nil {
				t.Errorf("%s: attached", name)
			}
			return nil
		})
		b.WantPins()
		if id := b.Attached(b.Hook); id != there.ID {
			t.Errorf("%s: program %d is attached, want %d", name, id, there.ID)
		}
	}
}
