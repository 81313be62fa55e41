package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/readback"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// dumped is what is read back of "-json prog dump".
type dumped struct {
	Xlated    int `json:"bytes_xlated"`
	JITed     int `json:"bytes_jited"`
	Functions []struct {
		Name    string
		Address string
		Bytes   int
		Insns   []dumpedInsn
	}
}

type dumpedInsn struct {
	PC, Disasm, Operation string
	Opcodes               json.RawMessage
}

// TestDumpFixtures loads every program of every object that this kernel takes, and
// shows its code: all of it, in the sizes and at the places that others tell.
func TestDumpFixtures(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.JIT)
	ns := bpftest.NewNamespace(t)
	shown, least := make(map[string]bool), 10
	if bpftest.InGuest() {
		least = 6
	}
	for _, name := range testobj.Names() {
		if bpftest.InGuest() && !slices.Contains([]string{"core.o", "count.o", "subprog.o"}, name) {
			continue // a few are enough where everything is slow
		}
		obj, err := elf.Open(testobj.Path(t, name))
		if err != nil {
			continue
		}
		for _, p := range obj.Programs() {
			loaded := loadAny(t, obj, p)
			if loaded == nil {
				continue
			}
			if p := loaded.Program(); !shown[p.Tag] { // objects share some instructions to the last bit
				t.Run(name+" "+p.Name, func(t *testing.T) { checkDump(t, ns, p) })
				shown[p.Tag] = true
			}
			if err := loaded.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if len(shown) < least {
		t.Errorf("only %d programs were loaded", len(shown))
	}
}

// loadAny loads a program as one of the types that it may have, or returns nil.
func loadAny(t *testing.T, obj *elf.Object, p elf.Program) *load.Loaded {
	for _, kind := range []ebpf.ProgramType{ebpf.XDP, ebpf.SchedCLS} {
		l, err := load.Load(t.Context(), obj, load.Options{Select: elf.Selector{Section: p.Section, Program: p.Name, Type: kind}})
		if err == nil {
			return l
		}
	}
	return nil
}

func checkDump(t *testing.T, ns *bpftest.Namespace, p *prog.Program) {
	id := strconv.FormatUint(uint64(p.ID), 10)
	xlated := dump(t, ns, "id", id, "xlated")
	slots := 0
	for _, f := range xlated.Functions {
		slots += f.Bytes / 8
		for _, i := range f.Insns {
			if i.Disasm == "" || strings.HasPrefix(i.Disasm, ".insn") || strings.Contains(i.Disasm, "hidden") {
				t.Errorf("%s: %q", f.Name, i.Disasm)
			}
		}
	}
	t.Run("instructions, says bpftool", func(t *testing.T) { checkTexts(t, id, xlated) })
	if slots*8 != xlated.Xlated {
		t.Errorf("%d slots of instructions, not %d bytes", slots, xlated.Xlated)
	}
	if readback.Architecture == "" {
		return
	}
	jited := dump(t, ns, "id", id, "jited", "raw", "source")
	var sum int
	for _, f := range jited.Functions {
		sum += f.Bytes
		image, starts := imageOf(t, f.Insns)
		if len(image) != f.Bytes {
			t.Errorf("%s: instructions of %d bytes, not %d", f.Name, len(image), f.Bytes)
		}
		if readback.Architecture == "x86-64" {
			t.Run(f.Name+", says objdump", func(t *testing.T) {
				bpftest.Need(t, bpftest.Command("objdump"))
				checkBoundaries(t, f.Name, image, starts)
			})
		}
	}
	if sum != jited.JITed || sum == 0 {
		t.Errorf("functions of %d bytes, not %d", sum, jited.JITed)
	}
	t.Run("sizes, says bpftool", func(t *testing.T) { checkSizes(t, id, jited) })
}

func dump(t *testing.T, ns *bpftest.Namespace, words ...string) dumped {
	t.Helper()
	var d dumped
	if err := json.Unmarshal([]byte(runIn(t, ns, append([]string{"xdpload", "-json", "prog", "dump"}, words...)...)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// imageOf puts machine code together again, and says where instructions begin.
func imageOf(t *testing.T, insns []dumpedInsn) (image []byte, starts []int) {
	t.Helper()
	for _, i := range insns {
		var opcodes []string
		if err := json.Unmarshal(i.Opcodes, &opcodes); err != nil {
			t.Fatal(err)
		}
		if i.Operation == "" || i.PC != fmt.Sprintf("%#x", len(image)) {
			t.Errorf("%q at %s, behind %d bytes", i.Operation, i.PC, len(image))
		}
		starts = append(starts, len(image))
		for _, text := range opcodes {
			b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
			if err != nil {
				t.Fatal(err)
			}
			image = append(image, b...)
		}
	}
	return image, starts
}

// checkBoundaries wants instructions where objdump has them.
func checkBoundaries(t *testing.T, name string, image []byte, starts []int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "--insn-width=15", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs []int
	for line := range strings.Lines(string(out)) {
		place, _, ok := strings.Cut(strings.TrimSpace(line), ":\t")
		if at, err := strconv.ParseInt(place, 16, 32); ok && err == nil {
			theirs = append(theirs, int(at))
		}
	}
	if !slices.Equal(starts, theirs) {
		t.Errorf("%s: instructions at %x, objdump has them at %x", name, starts, theirs)
	}
}

// checkSizes wants the sizes that bpftool tells.
func checkSizes(t *testing.T, id string, ours dumped) {
	bpftest.Need(t, bpftest.Command("bpftool"))
	out, err := exec.Command("bpftool", "-j", "prog", "show", "id", id).Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs struct {
		Xlated int `json:"bytes_xlated"`
		JITed  int `json:"bytes_jited"`
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&theirs); err != nil {
		t.Fatal(err)
	}
	if theirs.Xlated != ours.Xlated || theirs.JITed != ours.JITed {
		t.Errorf("xlated %d, jited %d bytes; bpftool has %+v", ours.Xlated, ours.JITed, theirs)
	}
}

// checkTexts wants the instructions that bpftool tells: those in which no name
// stands.
func checkTexts(t *testing.T, id string, ours dumped) {
	bpftest.Need(t, bpftest.Command("bpftool"))
	out, err := exec.Command("bpftool", "-j", "prog", "dump", "xlated", "id", id).Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs []struct{ Disasm string }
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	var all []dumpedInsn
	for _, f := range ours.Functions {
		all = append(all, f.Insns...)
	}
	if len(all) != len(theirs) {
		t.Fatalf("%d instructions, bpftool has %d", len(all), len(theirs))
	}
	for n, i := range all {
		_, want, _ := strings.Cut(theirs[n].Disasm, ") ")
		if named := strings.ContainsAny(want, "#[") || strings.Contains(want, "goto"); !named && strings.TrimSuffix(i.Disasm, " ll") != want && !strings.Contains(i.Disasm, "percpu") {
			t.Errorf("instruction %d: %q, bpftool %q", n, i.Disasm, want)
		}
	}
}
