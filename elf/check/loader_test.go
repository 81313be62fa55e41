package check_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// nativeObjects are the fixtures that this machine's kernel could take. What a
// loader says to them does not depend on the kernel: a guest, which is slow, has some. Not those
// that depend on what the kernel has, or whose maps cilium/ebpf, by which it is asked, cannot make.
func nativeObjects(t *testing.T) []string {
	t.Helper()
	n := 0
	return slices.DeleteFunc(testobj.Names(), func(name string) bool {
		n++
		return bpftest.InGuest() && n%8 != 0 || name == "stripped.o" || name == "kernel_absent.o" || name == "held.o" || strings.HasSuffix(name, "_be.o") != (byteOrder() == "big")
	})
}

// libbpf, in bpftool, names the sections that it knows when it knows one not.
func TestLibbpfSections(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("bpftool"))
	out, err := exec.Command("bpftool", "prog", "loadall", testobj.Path(t, "card.o"), filepath.Join(t.TempDir(), "pins")).CombinedOutput()
	if err == nil {
		t.Fatal("section xdp/plain is known")
	}
	_, list, found := strings.Cut(string(out), "section(type) names are: ")
	list, _, _ = strings.Cut(list, "\n")
	if !found {
		t.Fatalf("no list in %s", out)
	}
	known := strings.Fields(list)
	for _, name := range check.LibbpfSections() {
		if !slices.Contains(known, name) {
			t.Errorf("bpftool does not know %s", name)
		}
	}
	if len(known) != len(check.LibbpfSections()) {
		t.Errorf("bpftool knows %d sections: %v", len(known), known)
	}
}

// kernelTakes reports whether the running kernel loads a program, however it
// came to it. What cilium/ebpf cannot read the kernel does not see, and may take.
func kernelTakes(o *elf.Object, p elf.Program) bool {
	spec, err := o.Spec(elf.Selector{Section: p.Section, Program: p.Name})
	if err != nil {
		return true
	}
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func readFixture(t *testing.T, name string) *elf.Object {
	t.Helper()
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes(name)), name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// bpftool refuses what libbpf is said to refuse, and loads the rest if the
// kernel takes it. It cannot pin a program that libbpf leaves out, as all of optional.o.
func TestLibbpfAgrees(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("bpftool"))
	bpftest.NewNamespace(t) // has a /sys/fs/bpf of its own
	for _, name := range nativeObjects(t) {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(unpinAll)
			o := readFixture(t, name)
			r := check.Object(o)
			said := len(r.Faults) > 0 || len(r.RefusedBy(check.Libbpf)) > 0
			want := said || name == "optional.o" || slices.ContainsFunc(o.Programs(), func(p elf.Program) bool { return !kernelTakes(o, p) })
			out, err := exec.Command("bpftool", "prog", "loadall", testobj.Path(t, name), "/sys/fs/bpf/object").CombinedOutput()
			if want != (err != nil) {
				t.Errorf("check: %v %+v; bpftool: %v\n%s", r.Faults, r.RefusedBy(check.Libbpf), err, out)
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

// ip and tc refuse each program that they are said to refuse, and load the rest.
func TestIPRoute2Agrees(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("ip"), bpftest.Command("tc"))
	ns := bpftest.NewNamespace(t)
	ns.Veth("v0", "v1")
	if err := ns.Run(exec.Command("tc", "qdisc", "add", "dev", "v0", "clsact")); err != nil {
		t.Fatal(err)
	}
	for _, name := range nativeObjects(t) {
		o := readFixture(t, name)
		file, r := testobj.Path(t, name), check.Object(o)
		seen := make(map[string]bool)
		for _, p := range o.Programs() {
			if seen[p.Section] || p.Optional { // the first of a section is taken
				continue
			}
			seen[p.Section] = true
			var out string
			var err error
			switch p.Type {
			case ebpf.XDP:
				if p.AttachType != ebpf.AttachXDP {
					continue
				}
				out, err = iproute2(ns, "ip", "-force", "link", "set", "dev", "v0", "xdpdrv", "obj", file, "sec", p.Section)
			case ebpf.SchedCLS:
				out, err = iproute2(ns, "tc", "filter", "replace", "dev", "v0", "ingress", "prio", "1", "bpf", "da", "obj", file, "sec", p.Section)
			default:
				continue
			}
			unpinAll()
			if want := saidOf(r, p) || !kernelTakes(o, p); want != (err != nil) {
				t.Errorf("%s, section %s: check: %v %+v; error %v\n%s", name, p.Section, r.Faults, r.RefusedBy(check.IPRoute2), err, out)
			}
		}
	}
}

func iproute2(ns *bpftest.Namespace, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = &out
	err := ns.Run(cmd)
	return out.String(), err
}

// saidOf reports whether anything is said that keeps ip and tc from a program.
func saidOf(r *check.Report, p elf.Program) bool {
	return len(r.Faults) > 0 || slices.ContainsFunc(r.RefusedBy(check.IPRoute2), func(f check.Refuse) bool {
		return f.Program == "" || f.Program == p.Name || strings.HasPrefix(f.Why, "a program is static")
	})
}
