package check_test

import (
	"bytes"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

func ExampleObject() {
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes("count.o")), "count.o")
	if err != nil {
		panic(err)
	}
	report := check.Object(o)
	fmt.Println("Linux", report.Kernel)
	for _, need := range report.After(check.Kernel{Major: 4, Minor: 10}) {
		fmt.Printf("%s: %s (%s line %d)\n", need.Kernel, need.What, path.Base(need.File), need.Line)
	}
	// Output:
	// Linux 5.2
	// 5.2: global variables (count.c line 35)
}

// The fixtures need one thing each; the file's name says since when it is there.
//
//go:embed testdata/*.s
var fixtures embed.FS

type fixture struct {
	name   string
	kernel check.Kernel
	object *elf.Object
}

func assembled(t *testing.T, order string) []fixture {
	t.Helper()
	files, err := fixtures.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var all []fixture
	for _, file := range files {
		f := fixture{name: file.Name()}
		version, _, _ := strings.Cut(f.name, "_")
		if err := f.kernel.UnmarshalText([]byte(version)); err != nil {
			t.Fatal(err)
		}
		text, err := fixtures.ReadFile("testdata/" + f.name)
		if err != nil {
			t.Fatal(err)
		}
		source := strings.Replace(string(text), ".endian little", ".endian "+order, 1)
		b, err := listing.Assemble(strings.NewReader(source))
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		if f.object, err = elf.ReadNamed(bytes.NewReader(b), f.name); err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func byteOrder() string {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		return "big"
	}
	return "little"
}

func TestOldestKernel(t *testing.T) {
	all := assembled(t, "little")
	if len(all) < 20 {
		t.Fatalf("%d fixtures", len(all))
	}
	for _, f := range all {
		r := check.Object(f.object)
		if r.Kernel != f.kernel {
			t.Errorf("%s: needs Linux %s: %+v", f.name, r.Kernel, r.Needs)
		}
		if len(r.Faults)+len(r.Unknown)+len(r.GPL) > 0 {
			t.Errorf("%s: faults %v, unknown %v, GPL %v", f.name, r.Faults, r.Unknown, r.GPL)
		}
	}
}

// The running kernel loads what it is new enough for, and nothing else: the
// same test on Linux 6.1 and 6.12 tells the table from luck.
func TestKernelAgrees(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	running := release(t)
	for _, f := range assembled(t, byteOrder()) {
		t.Run(f.name, func(t *testing.T) {
			spec, err := f.object.Spec(elf.Selector{})
			if err != nil {
				t.Fatal(err)
			}
			c, err := ebpf.NewCollection(spec)
			if err == nil {
				defer c.Close()
			}
			old := running.Before(f.kernel)
			if b := backported[f.name]; old && err == nil && b.to == running {
				b.check(t, c.Programs["f"])
				return
			}
			if old != (err != nil) {
				t.Errorf("on Linux %s: error %v, and it is said to need %s", running, err, f.kernel)
			}
		})
	}
}

// backport is what a stable series has of a later release. It counts when the
// program does what it does there: that a program is loaded may be luck.
type backport struct {
	to     check.Kernel
	action uint32 // of the program
}

func (b backport) check(t *testing.T, p *ebpf.Program) {
	t.Helper()
	action, err := p.Run(&ebpf.RunOptions{Data: make([]byte, 64)})
	if err != nil || action != b.action {
		t.Errorf("action %d, want %d: %v", action, b.action, err)
	}
}

// Linux 6.1 refuses gotol: "BPF_JA uses reserved fields" (do_check,
// kernel/bpf/verifier.c, class == BPF_JMP32). The stable series has the commit of 6.6 "bpf:
// Support new 32bit offset jmp instruction": Debian's 6.1.192 follows imm, calls the
// instruction "if w0 jmp 0x1 goto pc+0" in its log, and the program returns 1, which it
// does only over the long jump.
var backported = map[string]backport{"6.6_long_jump.s": {check.Kernel{Major: 6, Minor: 1}, 1}}

func release(t *testing.T) (k check.Kernel) {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	if err := k.UnmarshalText([]byte(unix.ByteSliceToString(u.Release[:]))); err != nil {
		t.Fatal(err)
	}
	return k
}

// A helper that the table calls younger than the running kernel is unknown to
// it, and no other is. The verifier names both kinds.
func TestKernelKnowsHelpers(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	running := release(t)
	for n := int32(1); n <= insn.Helpers; n++ {
		since, ok := check.Helper(n)
		if !ok {
			t.Errorf("no age of %s", insn.HelperName(n))
		}
		unknown := strings.Contains(verdict(t, ebpf.XDP, "GPL", n), "invalid func unknown")
		if unknown != running.Before(since) {
			t.Errorf("%s, since %s: unknown to Linux %s: %v", insn.HelperName(n), since, running, unknown)
		}
	}
}

// A program that is not GPL-compatible is refused the helpers that the table says.
func TestKernelRestrictsHelpers(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	types := []ebpf.ProgramType{
		ebpf.XDP, ebpf.SchedCLS, ebpf.Kprobe, ebpf.TracePoint, ebpf.PerfEvent, ebpf.RawTracepoint, ebpf.LircMode2, ebpf.SockOps, ebpf.CGroupSKB, ebpf.Syscall,
	}
	for n := int32(1); n <= insn.Helpers; n++ {
		if since, _ := check.Helper(n); release(t).Before(since) {
			continue
		}
		offered, refused := false, false
		for _, typ := range types {
			log := verdict(t, typ, "Proprietary", n)
			restricted := strings.Contains(log, "cannot call GPL-restricted function from non-GPL compatible program")
			refused = refused || restricted
			offered = offered || strings.Contains(log, "!read_ok") || strings.Contains(log, "expected=")
		}
		if table := check.NeedsGPL(n); refused && !table || table && offered && !refused {
			t.Errorf("%s: refused without GPL: %v, offered: %v", insn.HelperName(n), refused, offered)
		}
	}
}

// verdict returns what the verifier says to a program that calls a helper.
func verdict(t *testing.T, typ ebpf.ProgramType, license string, helper int32) string {
	t.Helper()
	text := fmt.Sprintf(".endian %s\n.section x progbits ax 8\n.function f\n\tcall helper#%d\n\tr0 = 0\n\texit\n", byteOrder(), helper)
	b, err := listing.Assemble(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	o, err := elf.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := o.Spec(elf.Selector{Type: typ})
	if err != nil {
		t.Fatal(err)
	}
	p := spec.Programs["f"]
	p.License = license
	prog, err := ebpf.NewProgramWithOptions(p, ebpf.ProgramOptions{LogLevel: ebpf.LogLevelInstruction})
	if err == nil {
		prog.Close()
		return ""
	}
	if ve, ok := errors.AsType[*ebpf.VerifierError](err); ok {
		return strings.Join(ve.Log, "\n")
	}
	return err.Error()
}

func reportOf(t *testing.T, name string) *check.Report {
	t.Helper()
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes(name)), name)
	if err != nil {
		t.Fatal(err)
	}
	return check.Object(o)
}

func TestLoaders(t *testing.T) {
	for _, tt := range []struct {
		object  string
		refused []check.Loader
		why     string
	}{
		{"tiny.o", nil, ""},
		{"legacy36.o", []check.Loader{check.Libbpf, check.IPRoute2, check.Cilium}, `"maps" section`},
		{"tail.o", []check.Loader{check.Libbpf, check.IPRoute2, check.IPRoute2Plain, check.Cilium}, "struct bpf_elf_map says"},
		{"count.o", []check.Loader{check.Libbpf, check.IPRoute2Plain}, `knows no section "xdp/plain"`},
		{"kinds.o", []check.Loader{check.Libbpf, check.IPRoute2, check.IPRoute2Plain, check.Cilium}, "map_extra of a map is an enumeration"},
		{"tail_self.o", []check.Loader{check.IPRoute2Plain}, `".maps" section`},
		{"migrate_after.o", []check.Loader{check.Libbpf, check.IPRoute2, check.IPRoute2Plain}, "slot 0 of map jmp is for program parse"},
		{"tailbtf.o", []check.Loader{check.Libbpf, check.IPRoute2, check.IPRoute2Plain, check.Cilium}, "slot 2 of map jmp"},
		{"core.o", []check.Loader{check.IPRoute2Plain}, "CO-RE relocations"},
		{"common.o", []check.Loader{check.Libbpf, check.IPRoute2, check.IPRoute2Plain, check.Cilium}, "COMMON"},
	} {
		t.Run(tt.object, func(t *testing.T) {
			r := reportOf(t, tt.object)
			var whys []string
			for _, l := range check.Loaders() {
				refused := r.RefusedBy(l)
				if (len(refused) > 0) != slices.Contains(tt.refused, l) {
					t.Errorf("%s: %+v", l, refused)
				}
				for _, f := range refused {
					whys = append(whys, f.Why)
				}
			}
			if !strings.Contains(strings.Join(whys, "\n"), tt.why) {
				t.Errorf("no %q in %q", tt.why, whys)
			}
		})
	}
}

// What is said of the library, the library says itself.
func TestLibraryAgrees(t *testing.T) {
	for _, name := range testobj.Names() {
		if name == "stripped.o" {
			continue
		}
		r := reportOf(t, name)
		refused := r.RefusedBy(check.Cilium)
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(testobj.Bytes(name)))
		if err != nil {
			if len(refused) == 0 && len(r.Faults) == 0 {
				t.Errorf("%s: the library does not read it: %v", name, err)
			}
			continue
		}
		if len(refused) == 0 {
			continue
		}
		for _, m := range spec.Maps {
			if m.Extra != nil && m.Extra.Len() > 0 {
				err = errors.New("extra")
			}
		}
		for _, p := range spec.Programs {
			if p.Type == ebpf.UnspecifiedProgram {
				err = errors.New("left out")
			}
			if name == "exception.o" && p.Name == "throwing" && len(p.Instructions.FunctionReferences()) == 0 {
				err = errors.New("its callback is left out")
			}
		}
		if err == nil {
			t.Errorf("%s: the library reads it, in spite of %+v", name, refused)
		}
	}
}

func TestGPL(t *testing.T) {
	r := reportOf(t, "printk.o")
	if len(r.GPL) == 0 || !strings.Contains(r.GPL[0].What, "bpf_trace_printk") || r.GPL[0].Line == 0 {
		t.Errorf("GPL %+v", r.GPL)
	}
	if !r.GPLCompatible() {
		t.Errorf("licence %q", r.License)
	}
}

func TestFaults(t *testing.T) {
	for _, name := range []string{"tail_fault1.o", "mim_fault1.o", "undefined.o", "callback_nobtf.o"} {
		if r := reportOf(t, name); len(r.Faults) == 0 || r.Faults[0].Error() == "" {
			t.Errorf("%s: %+v", name, r.Faults)
		}
	}
}

func TestKernelText(t *testing.T) {
	for text, want := range map[string]check.Kernel{
		"5.10": {Major: 5, Minor: 10}, "6.1.0-30-amd64": {Major: 6, Minor: 1}, "6.12-rc1": {Major: 6, Minor: 12},
	} {
		var k check.Kernel
		if err := k.UnmarshalText([]byte(text)); err != nil || k != want {
			t.Errorf("%q: %s, %v", text, k, err)
		}
	}
	for _, text := range []string{"", "5", "x.y", "5.", "five.ten"} {
		var k check.Kernel
		if err := k.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func TestTablesSorted(t *testing.T) {
	if err := check.Sorted(); err != nil {
		t.Error(err)
	}
}
