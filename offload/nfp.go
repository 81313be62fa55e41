package offload

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/elf/insn"
)

// Files of the driver below drivers/net/ethernet/netronome/nfp/bpf, Linux 6.12.
const (
	nfpVerifier = "drivers/net/ethernet/netronome/nfp/bpf/verifier.c"
	nfpJIT      = "drivers/net/ethernet/netronome/nfp/bpf/jit.c"
	nfpMaps     = "drivers/net/ethernet/netronome/nfp/bpf/offload.c"
	nfpMain     = "drivers/net/ethernet/netronome/nfp/bpf/main.c"
	nfpFirmware = "drivers/net/ethernet/netronome/nfp/bpf/fw.h"
)

func checkNFP(spec *ebpf.CollectionSpec, add func(*Finding)) {
	for _, name := range sorted(spec.Maps) {
		nfpMap(name, spec.Maps[name], add)
	}
	uses, set := make(mapUses), make(map[mapWord]bool)
	for _, name := range sorted(spec.Programs) {
		p := spec.Programs[name]
		c := nfpProgram{flow: newFlow(p), add: add, uses: uses, set: set, maps: spec.Maps}
		for _, n := range c.numbers() {
			c.instruction(n)
		}
		c.stack()
	}
}

// nfpElement is the room for a key, and for a value, in the messages of the
// firmware's ABI 2, bytes (CMSG_MAP_KEY_LW, CMSG_MAP_VALUE_LW). With ABI 3 the
// card says how much there is (main.c, nfp_bpf_init).
const nfpElement = 64

func nfpMap(name string, m *ebpf.MapSpec, add func(*Finding)) {
	if bindMap(name, m) != nil || OnHost(m.Type) {
		return
	}
	if m.Flags != 0 {
		add(&Finding{Map: name, Rule: fmt.Sprintf("no map flags, not %#x", m.Flags), Source: nfpMaps})
	}
	if m.KeySize > nfpElement {
		add(&Finding{Map: name, Rule: fmt.Sprintf("keys of at most %d bytes, not %d, before ABI 3 of the firmware", nfpElement, m.KeySize), Source: nfpFirmware})
	}
	if m.ValueSize > nfpElement {
		add(&Finding{Map: name, Rule: fmt.Sprintf("values of at most %d bytes, not %d, before ABI 3 of the firmware", nfpElement, m.ValueSize), Source: nfpFirmware})
	}
}

// nfpProgram checks one program.
type nfpProgram struct {
	*flow
	add  func(*Finding)
	uses mapUses
	set  map[mapWord]bool // to something else than zero, by bpf_map_update_elem
	maps map[string]*ebpf.MapSpec
}

func (c *nfpProgram) find(n int, source, format string, args ...any) {
	c.add(c.at(n, fmt.Sprintf(format, args...), source))
}

func (c *nfpProgram) instruction(n int) {
	ins, s := c.insns[n], c.before[n]
	code := byte(ins.OpCode)
	if !nfpOpcode(code) {
		c.find(n, nfpJIT, "the card's compiler has no code for instruction %#02x, %v", code, ins.OpCode)
		return
	}
	if ins.Dst > asm.R10 || ins.Src > asm.R10 {
		c.find(n, nfpVerifier, "there are the registers 0 to 10 only")
		return
	}
	switch class(code) {
	case insn.ClassALU, insn.ClassALU64:
		c.arithmetic(n, ins, code, s)
	case insn.ClassLDX:
		c.load(n, ins, s)
	case insn.ClassST, insn.ClassSTX:
		c.store(n, ins, code, s)
	case insn.ClassJMP:
		switch op(code) {
		case opCALL:
			c.call(n, ins, s)
		case opEXIT:
			c.exit(n, s)
		}
	}
}

// nfpOpcode says whether the table instr_cb of jit.c has an entry.
func nfpOpcode(code byte) bool {
	switch class(code) {
	case insn.ClassALU:
		return op(code) <= 0x80 || slices.Contains([]byte{0xa0, opMOV, 0xc0}, op(code)) || code == 0xdc // bswap of BPF_TO_BE
	case insn.ClassALU64:
		return op(code) <= 0x80 || slices.Contains([]byte{0xa0, opMOV, 0xc0}, op(code))
	case insn.ClassLD:
		return code == 0x18 || (mode(code) == 0x20 || mode(code) == 0x40) && width(code) < 8
	case insn.ClassLDX, insn.ClassST:
		return mode(code) == modeMEM
	case insn.ClassSTX:
		return mode(code) == modeMEM || mode(code) == modeATOMIC && width(code) >= 4
	case insn.ClassJMP32:
		return op(code) != opJA && op(code) != opCALL && op(code) != opEXIT
	}
	return op(code) <= 0xd0 && code != 0x8d // not may_goto, nor a call through a register
}

// arithmetic: there is no divider, and the multiplier takes 32 bits.
func (c *nfpProgram) arithmetic(n int, ins *asm.Instruction, code byte, s *state) {
	what, by := map[byte][2]string{opMUL: {"multiplication", "a multiplier"}, opDIV: {"division", "a divisor"}}[op(code)], s.regs[ins.Src]
	if what[0] == "" {
		return
	}
	byRegister := code&sourceX != 0
	negative := !byRegister && ins.Constant < 0
	switch _, one := by.only(); {
	case op(code) == opDIV && byRegister && by.kind == scalar && !one:
		c.find(n, nfpVerifier, "division by something that is not a constant")
	case op(code) == opDIV && negative:
		c.find(n, nfpVerifier, "division by a negative constant")
	case class(code) == insn.ClassALU64 && negative:
		c.find(n, nfpVerifier, "64-bit multiplication by a negative constant")
	case s.regs[ins.Dst].exceeds32():
		c.find(n, nfpVerifier, "%s of a number that may need more than 32 bits", what[0])
	case byRegister && by.exceeds32():
		c.find(n, nfpVerifier, "%s that may need more than 32 bits", what[1])
	}
}

// nfpContext are the members of the context that the card can read, each in 4
// bytes, by offset.
func nfpContext(t ebpf.ProgramType) []int16 {
	if t == ebpf.XDP {
		return []int16{0, 4} // data, data_end
	}
	return []int16{0, 76, 80} // len, data, data_end
}

func (c *nfpProgram) load(n int, ins *asm.Instruction, s *state) {
	from := s.regs[ins.Src]
	c.pointer(n, from)
	switch from.kind {
	case context:
		if !slices.Contains(nfpContext(c.spec.Type), ins.Offset) || width(byte(ins.OpCode)) != 4 {
			c.find(n, nfpJIT, "of the context only data and data_end are there, and len of a tc program: not %d bytes at offset %d",
				width(byte(ins.OpCode)), ins.Offset)
		}
	case mapValue:
		c.use(n, ins, from, "read")
	default: // pointer has judged
	}
}

// rxQueueIndex is the offset of that member of struct xdp_md.
const rxQueueIndex = 16

func (c *nfpProgram) store(n int, ins *asm.Instruction, code byte, s *state) {
	to := s.regs[ins.Dst]
	if mode(code) == modeATOMIC {
		c.atomic(n, ins, s)
		return
	}
	switch {
	case class(code) == insn.ClassST: // the driver forgets what these write to
		c.find(n, nfpJIT, "a constant cannot be stored to memory: by way of a register only")
	case to.kind == context && (c.spec.Type != ebpf.XDP || ins.Offset != rxQueueIndex):
		c.find(n, nfpVerifier, "of the context only rx_queue_index of an XDP program can be written")
	case to.kind == mapValue:
		c.find(n, nfpVerifier, "a map's value cannot be written in place: use bpf_map_update_elem, or an atomic addition")
	default:
		c.pointer(n, to)
	}
}

// pointer: what memory can be reached through.
func (c *nfpProgram) pointer(n int, v value) {
	switch v.kind {
	case packetEnd, packetMeta, mapPointer:
		c.find(n, nfpVerifier, "memory cannot be reached through a pointer to %v", v.kind)
	case stack:
		if v.varies() {
			c.find(n, nfpVerifier, "the stack cannot be reached at an offset that is not a constant")
		}
		for _, at := range v.numbers {
			if first := v.numbers[0]; (at-first)%4 != 0 {
				c.find(n, nfpVerifier, "the stack is reached at %d here, or at %d: not a multiple of 4 bytes apart", first, at)
				return
			}
		}
	default: // to be reached, or unknown
	}
}

func (c *nfpProgram) atomic(n int, ins *asm.Instruction, s *state) {
	to, what := s.regs[ins.Dst], s.regs[ins.Src]
	switch {
	case ins.OpCode.AtomicOp() != asm.AddAtomic:
		c.find(n, nfpVerifier, "the only atomic operation is an addition that returns nothing")
	case to.kind != mapValue && to.kind != unknown:
		c.find(n, nfpVerifier, "atomic addition to %v: only to a map's value", to.kind)
	case what.kind != scalar && what.kind != unknown:
		c.find(n, nfpVerifier, "atomic addition of %v: only of a number", what.kind)
	case to.kind == mapValue:
		c.use(n, ins, to, atomicUse)
	}
}

// exit: a tc program returns constants that the card knows. Its functions are
// held to the same: the driver does not tell their exits from the program's.
func (c *nfpProgram) exit(n int, s *state) {
	v := s.regs[0]
	if c.spec.Type != ebpf.SchedCLS || v.kind == unknown {
		return
	}
	who := "a tc program"
	if c.owner[n] != 0 {
		who = "a function of a tc program, like the program itself,"
	}
	if v.kind != scalar || v.varies() {
		c.find(n, nfpVerifier, "%s returns a constant", who)
		return
	}
	const redirect = 7 // TC_ACT_REDIRECT; shot, stolen and queued are 2, 4 and 5 (include/uapi/linux/pkt_cls.h)
	for _, code := range v.numbers {
		if uint64(code) <= redirect && code != 2 && code != 4 && code != 5 {
			c.find(n, nfpVerifier, "%s returns TC_ACT_UNSPEC, _SHOT, _STOLEN or _QUEUED, not %d", who, code)
			return
		}
	}
}
