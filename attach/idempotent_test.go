package attach_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// idempotentHooks are hooks of every kind, to attach once, and once more.
func idempotentHooks(ifindex int, force bool) map[string]attach.Plan {
	return map[string]attach.Plan{
		"xdp":    {Hook: attach.XDP{Ifindex: ifindex}, Idempotent: true, Replace: force},
		"clsact": {Hook: direct(ifindex, netlink.Ingress, "mine"), Idempotent: true, Replace: force},
		"tcx":    {Hook: attach.TCX{Ifindex: ifindex}, Idempotent: true, Replace: force},
	}
}

func TestIdempotent(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.TCX)
	for name := range idempotentHooks(0, false) {
		t.Run(name, func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			v0, _ := ns.Veth("v0", "v1")
			h := idempotentHooks(v0, false)[name]
			program := func(s string) load.Options { return load.Options{Select: elf.Selector{Program: s}} }
			object, one, other := "tc.o", program("cls_ok"), program("tc_shot")
			if h.Hook.ProgramType() == ebpf.XDP {
				object, one, other = "two.o", program("xdp_drop"), program("xdp_pass")
			}
			a := install(t, ns, object, one, h)
			b := install(t, ns, object, one, h)
			if a.Unchanged || !b.Unchanged || a.Program.ID != b.Program.ID {
				t.Errorf("first %+v, then %+v", a, b)
			}
			if c := install(t, ns, object, other, idempotentHooks(v0, true)[name]); c.Unchanged || c.Program.ID == a.Program.ID {
				t.Errorf("another program: %+v", c)
			}
		})
	}
}

// TestIdempotentMaps: the same instructions with other data are another program.
func TestIdempotentMaps(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	hook := attach.Plan{Hook: attach.XDP{Ifindex: v0}, Idempotent: true, Replace: true}
	set := func(pairs ...string) (o load.Options) {
		for i := 0; i < len(pairs); i += 2 {
			o.Variables = append(o.Variables, load.Variable{Name: pairs[i], Value: pairs[i+1]})
		}
		return o
	}
	pinned := load.Options{Pins: load.PinOptions{Maps: "/sys/fs/bpf/idempotent"}}
	t.Cleanup(func() { os.RemoveAll("/sys/fs/bpf/idempotent") })
	larger := load.Options{Maps: []load.MapOption{{Name: "stats", MaxEntries: 8}}}
	section := elf.Selector{Section: "xdp"}
	for _, step := range []struct {
		name   string
		object string
		o      load.Options
		same   bool
	}{
		{"first", "globals.o", set("byte", "1"), false},
		{"again", "globals.o", set("byte", "1"), true},
		{"another constant", "globals.o", set("byte", "7"), false},
		{"the same constant", "globals.o", set("byte", "7"), true},
		{"another variable", "globals.o", set("byte", "7", "config.limit", "3"), false},
		{"the same variable", "globals.o", set("byte", "7", "config.limit", "3"), true},
		{"a variable left alone", "globals.o", set("byte", "7"), true},
		{"a counter", "count.o", set(), false},
		{"the counter again", "count.o", set(), true},
		{"a counter that is shared", "count.o", pinned, false},
		{"the shared counter again", "count.o", pinned, true},
		{"a counter of its own", "count.o", set(), true},
		{"more counters", "count.o", larger, false},
		{"more counters again", "count.o", larger, true},
		{"tail calls", "tailbtf.o", set(), false},
		{"tail calls again", "tailbtf.o", set(), true},
	} {
		step.o.Select = section
		if a := install(t, ns, step.object, step.o, hook); a.Unchanged != step.same {
			t.Errorf("%s: unchanged is %v", step.name, a.Unchanged)
		}
	}
}

// TestIdempotentDefinitions: a map that is defined otherwise makes another program.
func TestIdempotentDefinitions(t *testing.T) {
	ns := bpftest.NewNamespace(t)
	v0, _ := ns.Veth("v0", "v1")
	hook := attach.Plan{Hook: attach.XDP{Ifindex: v0}, Idempotent: true, Replace: true}
	// attach makes a program with one map, of BPF_MAP_TYPE_*, sizes in bytes, a number of entries and flags.
	attach := func(name string, definition ...byte) (a *attach.Attachment) {
		t.Helper()
		image, err := listing.Assemble(strings.NewReader(fmt.Sprintf(".endian little\n.section xdp progbits ax 8\n.function f\n"+
			"\tr1 = map[%[1]s]\n\tr0 = 2\n\texit\n.section maps progbits wa 4\n.object %[1]s size 20\n\t.byte % [2]x\n", name, definition)))
		if err != nil {
			t.Fatal(err)
		}
		obj, err := elf.Read(bytes.NewReader(image))
		if err != nil {
			t.Fatal(err)
		}
		ns.Netlink(func(c *netlink.Conn) error {
			l, got, err := lab.Install(t, c, obj, load.Options{Select: elf.Selector{Type: ebpf.XDP}}, hook)
			if err != nil {
				return err
			}
			a = got
			return l.Close()
		})
		return a
	}
	const hash, percpu, noPrealloc = 1, 5, 1
	for _, step := range []struct {
		name                            string
		of                              string
		typ, key, value, entries, flags byte
	}{
		{"first", "m", hash, 4, 8, 16, 0},
		{"another name", "n", hash, 4, 8, 16, 0},
		{"another type", "n", percpu, 4, 8, 16, 0},
		{"larger keys", "n", percpu, 8, 8, 16, 0},
		{"larger values", "n", percpu, 8, 16, 16, 0},
		{"more entries", "n", percpu, 8, 16, 32, 0},
		{"other flags", "n", percpu, 8, 16, 32, noPrealloc},
	} {
		definition := []byte{step.typ, 0, 0, 0, step.key, 0, 0, 0, step.value, 0, 0, 0, step.entries, 0, 0, 0, step.flags, 0, 0, 0}
		if a := attach(step.of, definition...); a.Unchanged {
			t.Errorf("%s: unchanged", step.name)
		}
		if a := attach(step.of, definition...); !a.Unchanged {
			t.Errorf("%s, again: changed", step.name)
		}
	}
}

// A rival has someone else act right before what a load has made is put anywhere.
type rival struct {
	attach.Source
	act func()
}

func (r *rival) Uncommitted() attach.Uncommitted {
	if act := r.act; act != nil {
		r.act = nil
		act()
	}
	return r.Source.Uncommitted()
}

// TestIdempotentRace: who finds nothing there, and is overtaken by the like, leaves that.
func TestIdempotentRace(t *testing.T) {
	for name, force := range map[string]bool{"xdp": false, "clsact": false, "tcx": false, "xdp with force": true, "clsact with force": true} {
		t.Run(name, func(t *testing.T) {
			kind, _, _ := strings.Cut(name, " ")
			if bpftest.Need(t, bpftest.Root); kind == "tcx" {
				bpftest.Need(t, bpftest.TCX)
			}
			b := lab.NewBench(t)
			plan := idempotentHooks(b.Hook.Ifindex, force)[kind]
			object, program := "tc.o", "cls_ok"
			if plan.Hook.ProgramType() == ebpf.XDP {
				object, program = "two.o", "xdp_drop"
			}
			apply := func(act func()) attach.Outcome {
				t.Helper()
				s := &xdpload.Object{Object: lab.Object(t, object), Options: b.Options(load.Options{Select: elf.Selector{Type: plan.Hook.ProgramType(), Program: program}})}
				defer s.Close()
				p := plan
				p.Source = &rival{s, act}
				all, err := attach.Apply(t.Context(), b.Conn, []attach.Plan{p}, attach.Options{})
				if err != nil || all[0].Err != nil {
					t.Fatal(err, all[0].Err)
				}
				return all[0]
			}
			var theirs attach.Outcome
			mine := apply(func() { theirs = apply(nil) })
			if theirs.Attachment.Unchanged || !mine.Attachment.Unchanged || mine.Attachment.Program.ID != theirs.Attachment.Program.ID {
				t.Errorf("they attached %+v, then %+v", theirs.Attachment, mine.Attachment)
			}
			var there []string
			for a, err := range attach.Attachments(b.Conn, b.Hook.Ifindex) {
				if err != nil {
					t.Fatal(err)
				}
				there = append(there, a.Hook())
			}
			if len(there) != 1 {
				t.Errorf("attached: %v", there)
			}
		})
	}
}
