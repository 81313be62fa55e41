package x86_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

var numbers = []int{1, 7, 31, -1, 127, 128, -128, -129, 0x12345678}

// start gives every register a number. r6 keeps the context, as loads from packets want it.
func start() []string {
	lines := []string{"r6 = r1"}
	for _, r := range registers {
		lines = append(lines, fmt.Sprintf("r%d = %d", r, r+3))
	}
	return lines
}

var registers = []int{0, 1, 2, 3, 4, 5, 7, 8, 9}

func end(lines []string) []string { return append(lines, "r0 = 0", "exit") }

func arithmetic(*testing.T) []string {
	lines := start()
	for _, op := range []string{"+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "=", "<<=", ">>=", "s>>="} {
		lines = append(lines, operations(op)...)
	}
	for _, r := range registers {
		lines = append(lines, fmt.Sprintf("r%d = -r%[1]d", r), fmt.Sprintf("w%d = -w%[1]d", r))
		for _, bits := range []int{16, 32, 64} {
			lines = append(lines, fmt.Sprintf("r%d = le%d r%[1]d", r, bits), fmt.Sprintf("r%d = be%d r%[1]d", r, bits))
		}
		for _, n := range []uint64{0, 0x11, 0xffffffffffffff00, 0x80000000, 0x1122334455667788} {
			lines = append(lines, fmt.Sprintf("r%d = %#x ll", r, n))
		}
	}
	return end(lines)
}

// operations is an operator between all registers and with numbers, in both widths.
func operations(op string) []string {
	var lines []string
	for _, dst := range registers {
		for _, src := range registers {
			lines = append(lines, fmt.Sprintf("r%d %s r%d", dst, op, src), fmt.Sprintf("w%d %s w%d", dst, op, src))
		}
		for _, n := range numbers {
			if shifts := strings.ContainsAny(op, "<>"); shifts && (n < 0 || n > 31) {
				continue
			}
			lines = append(lines, fmt.Sprintf("r%d %s %d", dst, op, n), fmt.Sprintf("w%d %s %d", dst, op, n))
		}
	}
	return lines
}

func signed(*testing.T) []string {
	lines := slices.Concat(start(), operations("s/="), operations("s%="))
	for _, r := range registers {
		for _, bits := range []int{8, 16, 32} {
			lines = append(lines, fmt.Sprintf("r%d = (s%d)r%d", r, bits, registers[bits%9]))
			if bits < 32 {
				lines = append(lines, fmt.Sprintf("w%d = (s%d)w%d", r, bits, registers[bits%9]))
			}
			lines = append(lines, fmt.Sprintf("r%d = bswap%d r%[1]d", r, max(16, bits)))
		}
		lines = append(lines, fmt.Sprintf("r%d = bswap64 r%[1]d", r))
	}
	return end(lines)
}

var conditions = []string{"==", "!=", "&", ">", ">=", "<", "<=", "s>", "s>=", "s<", "s<="}

// jumps goes over one instruction each, and at last over many.
func jumps(*testing.T) []string {
	lines := []string{"r6 = r1", "r8 = *(u32 *)(r6 +0)"}
	for _, op := range conditions {
		for _, r := range []int{0, 1, 7} {
			unknown := fmt.Sprintf("r%d = *(u32 *)(r6 +0)", r) // so that the verifier need not tell ways apart
			for _, operand := range []string{"r8", "0x0", "0x7f", "0x12345"} {
				lines = append(lines, unknown, fmt.Sprintf("if r%d %s %s goto pc+1", r, op, operand), "r9 = 1")
				operand = strings.Replace(operand, "r", "w", 1)
				lines = append(lines, unknown, fmt.Sprintf("if w%d %s %s goto pc+1", r, op, operand), "r9 = 1")
			}
		}
	}
	lines = append(lines, "if r7 == r8 goto pc+100")
	for range 100 {
		lines = append(lines, "r7 += 77")
	}
	return end(lines)
}

func longJumps(*testing.T) []string {
	lines := []string{"call bpf_get_prandom_u32", "if r0 == 0x0 goto pc+1", "gotol pc+100"}
	for range 100 {
		lines = append(lines, "r0 += 77")
	}
	return end(lines)
}

var widths = []int{8, 16, 32, 64}

// stack fills half a kilobyte.
func stack() []string {
	lines := append(start(), "r9 = r10")
	for at := 8; at <= 512; at += 8 {
		lines = append(lines, fmt.Sprintf("*(u64 *)(r10 -%d) = 1", at))
	}
	return lines
}

func memory(*testing.T) []string {
	lines := stack()
	for _, base := range []int{9, 10} {
		for _, bits := range widths {
			for _, off := range []int{-8, -256} {
				place := fmt.Sprintf("*(u%d *)(r%d %d)", bits, base, off)
				for _, r := range registers[:8] {
					lines = append(lines, place+" = -7", fmt.Sprintf("%s = r%d", place, r), fmt.Sprintf("r%d = %s", r, place))
				}
			}
		}
	}
	return end(lines)
}

func extensions(*testing.T) []string {
	lines := stack()
	for _, base := range []int{9, 10} {
		for _, bits := range widths[:3] {
			for _, r := range registers[:8] {
				lines = append(lines, fmt.Sprintf("r%d = *(s%d *)(r%d -8)", r, bits, base), fmt.Sprintf("r%d = *(s%d *)(r%d -256)", r, bits, base))
			}
		}
	}
	return end(lines)
}

func atomics(*testing.T) []string {
	lines := stack()
	for _, base := range []int{9, 10} {
		lines = append(lines, atomicsOn(base, "fetch_add", "xchg", "fetch_or", "fetch_and", "fetch_xor")...)
	}
	return end(lines)
}

// atomicsOn changes the 8 bytes below a base in every way.
func atomicsOn(base int, fetching ...string) []string {
	var lines []string
	for _, bits := range widths[2:] {
		name := map[int]string{32: "atomic", 64: "atomic64"}[bits]
		place := fmt.Sprintf("(u%d *)(r%d -8)", bits, base)
		for _, r := range registers[:8] {
			for _, op := range []string{"+=", "|=", "&=", "^="} {
				lines = append(lines, fmt.Sprintf("lock *%s %s r%d", place, op, r))
			}
			for _, op := range fetching {
				lines = append(lines, fmt.Sprintf("r%d = %s_%s(%s, r%[1]d)", r, name, op, place))
			}
			lines = append(lines, fmt.Sprintf("r0 = %s_cmpxchg(%s, r0, r%d)", name, place, r))
		}
	}
	return lines
}

func ordered(*testing.T) []string {
	lines := stack()
	for _, base := range []int{9, 10} {
		lines = append(lines, orderedOn(base)...)
	}
	return end(lines)
}

func orderedOn(base int) []string {
	var lines []string
	for _, bits := range widths {
		for _, r := range registers[:8] {
			lines = append(lines, fmt.Sprintf("r%d = load_acquire((u%d *)(r%d -8))", r, bits, base),
				fmt.Sprintf("store_release((u%d *)(r%d -8), r%d)", bits, base, r))
		}
	}
	return lines
}

func packet(*testing.T) []string {
	return end([]string{
		"r6 = r1", "r7 = 4", "r0 = *(u8 *)skb[14]", "r0 = *(u16 *)skb[12]", "r0 = *(u32 *)skb[26]",
		"r0 = *(u8 *)skb[r7 +1]", "r0 = *(u16 *)skb[r7 +2]", "r0 = *(u32 *)skb[r7 -4]",
	})
}

// functions calls one of its own, and helpers that the verifier puts in line.
func functions(*testing.T) []string {
	return []string{
		"call bpf_get_smp_processor_id", "call bpf_jiffies64", "call bpf_ktime_get_ns", "r1 = r0", "call pc+2", "r0 = 0", "exit",
		"r0 = r1", "exit", // called
	}
}

// maps looks up, and calls through a program array.
func maps(t *testing.T) []string {
	var lines []string
	for _, kind := range []ebpf.MapType{ebpf.Array, ebpf.Hash, ebpf.PerCPUArray, ebpf.PerCPUHash, ebpf.LRUHash} {
		lines = append(lines, "*(u32 *)(r10 -4) = 1", "r2 = r10", "r2 += -4", fmt.Sprintf("r1 = map[fd:%d]", newMap(t, kind, 8)),
			"call bpf_map_lookup_elem", "if r0 == 0x0 goto pc+1", "*(u64 *)(r0 +0) = 1")
	}
	call := []string{"r1 = r6", fmt.Sprintf("r2 = map[fd:%d]", newMap(t, ebpf.ProgramArray, 4)), "r3 = 1", "call bpf_tail_call"}
	unknown := []string{"call bpf_get_prandom_u32", "r3 = r0", "r1 = r6", call[1], "call bpf_tail_call"}
	return end(slices.Concat([]string{"r6 = r1"}, lines, call, unknown))
}

func newMap(t *testing.T, kind ebpf.MapType, value uint32) int {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: kind, KeySize: 4, ValueSize: value, MaxEntries: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m.FD()
}

// arenaAt is an address for the arena's pages in a process that maps them.
const arenaAt = 1 << 44

func newArena() (*ebpf.Map, error) {
	const mmapable = 1 << 10 // BPF_F_MMAPABLE
	return ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Arena, MaxEntries: 1, Flags: mmapable, MapExtra: arenaAt})
}

func probeArena() error {
	m, err := newArena()
	if err == nil {
		m.Close()
	}
	return err
}

// arena reads and writes memory that is shared with a process: each access adds a base.
func arena(t *testing.T) []string {
	m, err := newArena()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	lines := append(start(), fmt.Sprintf("r9 = map[fd:%d]", m.FD()))
	for _, r := range registers[:8] {
		lines = append(lines, "r9 = 64", "r9 = addr_space_cast(r9, 0, 1)")
		for _, bits := range widths {
			place := fmt.Sprintf("*(u%d *)(r9 +16)", bits)
			lines = append(lines, place+" = 7", fmt.Sprintf("%s = r%d", place, r), fmt.Sprintf("r%d = %s", r, place))
		}
		lines = append(lines, fmt.Sprintf("r%d = 64", r), fmt.Sprintf("r%d = addr_space_cast(r%[1]d, 0, 1)", r),
			fmt.Sprintf("*(u64 *)(r%d +0) = 1", r), fmt.Sprintf("r%d = 0", r))
	}
	lines = append(lines, "r9 = 64", "r9 = addr_space_cast(r9, 0, 1)")
	lines = append(lines, atomicsOn(9, "fetch_add", "xchg")...) // all that the compiler does there
	return end(append(lines, "r8 = addr_space_cast(r9, 1, 0)"))
}

func mayGoto(*testing.T) []string {
	return end([]string{"may_goto pc+2", "call bpf_get_prandom_u32", "goto pc-3"})
}
