package x86_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/disasm/x86"
	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/sys"
)

func TestMain(m *testing.M) { os.Exit(bpftest.Main(m)) }

var amd64 = need.Feature{Name: "an x86-64 machine", Probe: func() error {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("this is %s", runtime.GOARCH)
	}
	return nil
}}

// load has the kernel verify and compile a program, and returns its machine code.
func load(kind ebpf.ProgramType, lines []string) ([]byte, error) {
	var raw []byte
	for _, line := range lines {
		i, operand, err := insn.Parse(line)
		if err != nil || operand != "" {
			return nil, fmt.Errorf("%q is no instruction: %w %s", line, err, operand)
		}
		raw = i.Append(raw, binary.NativeEndian)
	}
	fd, err := sys.LoadProgram(&sys.Program{Type: uint32(kind), License: "GPL", Insns: raw})
	if err != nil {
		return nil, err
	}
	defer sys.Close(fd)
	code, err := sys.CodeOfProgram(fd)
	if err == nil && len(code.JITed) == 0 {
		err = fmt.Errorf("no machine code of %d instructions", len(lines))
	}
	if err != nil {
		return nil, err
	}
	return code.JITed, nil
}

// takes is the need for a kernel that knows some instructions.
func takes(name, since string, lines ...string) need.Feature {
	return need.Feature{Name: name, Since: since, Probe: func() error {
		_, err := load(ebpf.SchedCLS, append(lines, "r0 = 0", "exit"))
		return err
	}}
}

// TestPrograms has the kernel compile every form of every instruction, and
// compares each machine instruction with what objdump makes of it.
func TestPrograms(t *testing.T) {
	need.Of(t, amd64, bpftest.Root)
	for _, tt := range []struct {
		name  string
		needs []need.Feature
		lines func(*testing.T) []string
	}{
		{name: "arithmetic", lines: arithmetic},
		{name: "signed arithmetic", needs: []need.Feature{takes("signed division", "6.6", "r1 = 4", "r1 s/= 2")}, lines: signed},
		{name: "jumps", lines: jumps},
		{name: "long jumps", needs: []need.Feature{takes("gotol", "6.6", "gotol pc+0")}, lines: longJumps},
		{name: "memory", lines: memory},
		{name: "sign extension", needs: []need.Feature{takes("sign-extending loads", "6.6", "*(u64 *)(r10 -8) = 1", "r1 = *(s8 *)(r10 -8)")}, lines: extensions},
		{name: "atomics", needs: []need.Feature{takes("atomic operations beside add", "5.12", "*(u64 *)(r10 -8) = 1", "r1 = 1", "r1 = atomic64_fetch_add((u64 *)(r10 -8), r1)")}, lines: atomics},
		{name: "ordered atomics", needs: []need.Feature{takes("load_acquire", "6.15", "*(u64 *)(r10 -8) = 1", "r1 = load_acquire((u64 *)(r10 -8))")}, lines: ordered},
		{name: "packet", lines: packet},
		{name: "functions", lines: functions},
		{name: "maps", lines: maps},
		{name: "arena", needs: []need.Feature{{Name: "arenas", Since: "6.9", Probe: probeArena}}, lines: arena},
		{name: "may_goto", needs: []need.Feature{takes("may_goto", "6.9", "may_goto pc+1", "r0 = 0")}, lines: mayGoto},
	} {
		t.Run(tt.name, func(t *testing.T) {
			need.Of(t, tt.needs...)
			lines := tt.lines(t)
			code, err := load(ebpf.SchedCLS, lines)
			if err != nil {
				t.Fatalf("%v: %v", lines[:min(len(lines), 20)], err)
			}
			got := disassemble(t, code)
			t.Run("objdump", func(t *testing.T) {
				need.Of(t, need.Command("objdump"))
				compare(t, code, got)
			})
		})
	}
}

// disassemble returns the texts of instructions by their offset.
func disassemble(t *testing.T, code []byte) map[int]string {
	t.Helper()
	texts := make(map[int]string)
	for at := 0; at < len(code); {
		i, err := x86.Decode(code[at:], uint64(at))
		if err != nil {
			t.Fatalf("offset %#x, % x: %v", at, code[at:min(at+15, len(code))], err)
		}
		texts[at] = i.Text("")
		at += i.Len
	}
	return texts
}

// compare wants the same instructions at the same places as objdump finds.
func compare(t *testing.T, code []byte, got map[int]string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "--insn-width=15", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(out)) {
		columns := strings.Split(strings.TrimSpace(line), "\t")
		var at int
		if _, err := fmt.Sscanf(columns[0], "%x:", &at); err != nil || len(columns) < 3 {
			continue
		}
		lines++
		want := normal(columns[2])
		if have := normal(got[at]); have != want {
			t.Errorf("offset %#x, %s: %q, objdump %q", at, columns[1], have, want)
		}
	}
	if lines != len(got) {
		t.Errorf("%d instructions, objdump has %d", len(got), lines)
	}
}

// normal removes what is a matter of taste: blanks, remarks, a shift by one that is not
// written, REX prefixes that have no effect, and the spellings of what does nothing.
func normal(text string) string {
	text, _, _ = strings.Cut(text, "#")
	text = strings.TrimPrefix(strings.Join(strings.Fields(text), " "), "rex ")
	if nop, ok := strings.CutSuffix(text, "xchg %ax,%ax"); ok && strings.ReplaceAll(nop, "data16 ", "") == "" {
		return "nop"
	}
	return strings.Replace(text, " $0x1,%", " %", 1)
}
