package rewrite_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/rewrite"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// unconvertible are fixtures whose maps mean nothing that could be said otherwise.
var unconvertible = map[string]string{
	"mim_fault1.o":  "without the id of its inner map",
	"mim_fault2.o":  "no map has the id 55",
	"mim_fault3.o":  "at key 4 of 4 entries",
	"tail_fault1.o": "no map has the id 7",
	"tail_fault2.o": "has 1 entries",
	"tail_fault3.o": "not a program array",
	"mixed_nobtf.o": "no BTF to describe it",
	"pins_nobtf.o":  "no BTF to describe it",
}

// notForKernel are fixtures that convert and load nowhere, for a reason of their own.
var notForKernel = map[string]string{
	"live_rejected.o": "the verifier is to refuse it",
}

// convertedObject is a legacy fixture, and what it was converted to.
type convertedObject struct {
	name         string
	before       []byte
	after        []byte
	entry        elf.Program // of the converted object: the first program of its first section
	tc           bool
	file         string
	originalFile string
}

// legacyFixtures returns all fixtures with maps of the old style in the machine's byte order.
func legacyFixtures(t *testing.T) []convertedObject {
	t.Helper()
	var all []convertedObject
	dir := t.TempDir()
	for _, name := range testobj.Names() {
		if name == "stripped.o" || notForKernel[name] != "" || read(t, name).CheckByteOrder() != nil {
			continue
		}
		o := read(t, name)
		if !legacyStyle(o) {
			continue
		}
		c, err := rewrite.Convert(o)
		if why := unconvertible[name]; why != "" {
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		after := mustRead(t, c.Image)
		x := convertedObject{
			name: name, before: testobj.Bytes(name), after: c.Image, entry: after.Programs()[0],
			file: filepath.Join(dir, name), originalFile: testobj.Path(t, name),
		}
		x.tc = x.entry.Type == ebpf.SchedCLS
		if err := os.WriteFile(x.file, c.Image, 0o600); err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	if bpftest.InGuest() { // which is slow
		return all[:4]
	}
	if len(all) < 8 {
		t.Fatalf("%d legacy fixtures", len(all))
	}
	return all
}

func legacyStyle(o *elf.Object) bool {
	all, _ := o.Maps()
	for _, m := range all {
		if m.Style == elf.StyleLegacy {
			return true
		}
	}
	return false
}

func (x *convertedObject) hook() ebpf.ProgramType {
	if x.tc {
		return ebpf.SchedCLS
	}
	return ebpf.XDP
}

// run returns the action of the entry, and what is in the arrays afterwards.
func (x *convertedObject) run(t *testing.T, image []byte) map[string]string {
	t.Helper()
	return contentsAfterRun(t, mustRead(t, image), x.entry.Name, x.hook())
}

// In the kernel the converted object does what the original does.
func TestConvertRunsAlike(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for _, x := range legacyFixtures(t) {
		t.Run(x.name, func(t *testing.T) {
			if diff := cmp.Diff(x.run(t, x.before), x.run(t, x.after)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// bpftool, which refuses the original, loads what was converted, and the program
// does what xdpload makes the original do.
func TestConvertForBpftool(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("bpftool"))
	bpftest.NewNamespace(t) // has a /sys/fs/bpf of its own
	for _, x := range legacyFixtures(t) {
		t.Run(x.name, func(t *testing.T) {
			t.Cleanup(unpinAll)
			dir := "/sys/fs/bpf/convert"
			if out, err := x.bpftool(x.originalFile, dir); err == nil || !strings.Contains(out, "not supported") && !strings.Contains(out, "bad map relo") {
				t.Fatalf("the original: %v: %s", err, out)
			}
			if out, err := x.bpftool(x.file, dir); err != nil || strings.Contains(out, "skipping section") {
				t.Fatalf("%v: %s", err, out)
			}
			p, err := ebpf.LoadPinnedProgram(filepath.Join(dir, x.entry.Name), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			got := map[string]string{}
			addRun(t, got, p)
			info, err := p.Info()
			if err != nil {
				t.Fatal(err)
			}
			ids, _ := info.MapIDs()
			for _, id := range ids {
				m, err := ebpf.NewMapFromID(id)
				if err != nil {
					t.Fatal(err)
				}
				mi, err := m.Info()
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(mi.Name, ".rodata") { // bound to each program, used or not
					addContents(got, mi.Name, m)
				}
				m.Close()
			}
			want := x.run(t, x.before)
			maps.DeleteFunc(want, func(key, _ string) bool { // maps of programs behind a tail call
				_, known := got[key]
				return !known
			})
			if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
				t.Error(diff)
			}
		})
	}
}

func unpinAll() {
	pins, _ := filepath.Glob("/sys/fs/bpf/*")
	for _, name := range pins {
		_ = os.RemoveAll(name) // the kernel keeps maps.debug and progs.debug
	}
}

// bpftool loads all of an object. Section "prog" says no type: iproute2 takes it for any hook's.
func (x *convertedObject) bpftool(file, dir string) (string, error) {
	args := []string{"prog", "loadall", file, dir}
	if x.entry.Section == "prog" {
		args = append(args, "type", "xdp")
	}
	args = append(args, "pinmaps", "/sys/fs/bpf") // the kernel empties a program array that user space has let go of
	out, err := exec.Command("bpftool", args...).CombinedOutput()
	return string(out), err
}

// ip and tc refuse the original, and run what was converted. No object makes
// them load the programs of tail calls: they load the one that they attach.
func TestConvertForIPRoute2(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("ip"), bpftest.Command("tc"))
	for _, x := range legacyFixtures(t) {
		t.Run(x.name, func(t *testing.T) {
			ns := bpftest.NewNamespace(t)
			ns.Veth("v0", "v1")
			t.Cleanup(unpinAll)
			args := []string{"ip", "link", "set", "dev", "v0", "xdpgeneric", "obj"}
			if x.tc {
				if err := ns.Run(exec.Command("tc", "qdisc", "add", "dev", "v0", "clsact")); err != nil {
					t.Fatal(err)
				}
				args = []string{"tc", "filter", "add", "dev", "v0", "ingress", "bpf", "da", "obj"}
			}
			section := x.entry.Section
			if err := ns.Run(exec.Command(args[0], append(args[1:], x.originalFile, "sec", section)...)); err == nil {
				t.Errorf("%s takes the original", args[0])
			}
			var out bytes.Buffer
			cmd := exec.Command(args[0], append(args[1:], x.file, "sec", section)...)
			cmd.Stderr = &out
			tails, err := mustRead(t, x.after).TailCalls()
			if err != nil {
				t.Fatal(err)
			}
			if err := ns.Run(cmd); (err != nil) != (len(tails) > 0) || err != nil && !strings.Contains(out.String(), "failed to initialize slot") {
				t.Errorf("%s: %v: %s", args[0], err, &out)
			}
		})
	}
}
