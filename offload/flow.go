package offload

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/elf/insn"
)

// Parts of opcodes, include/uapi/linux/bpf_common.h and bpf.h.
const (
	modeMEM    = 0x60
	modeATOMIC = 0xc0

	opADD  = 0x00
	opSUB  = 0x10
	opMUL  = 0x20
	opDIV  = 0x30
	opOR   = 0x40
	opAND  = 0x50
	opLSH  = 0x60
	opRSH  = 0x70
	opXOR  = 0xa0
	opARSH = 0xc0
	opMOV  = 0xb0
	opJA   = 0x00
	opJEQ  = 0x10
	opJNE  = 0x50
	opCALL = 0x80
	opEXIT = 0x90

	sourceX = 0x08
)

func class(code byte) byte { return code & 0x07 }
func mode(code byte) byte  { return code & 0xe0 }
func op(code byte) byte    { return code & 0xf0 }

// width is how many bytes a load or store moves.
func width(code byte) int64 { return [...]int64{4, 2, 1, 8}[code>>3&3] }

// A flow is a program with its functions, and what is known before each
// instruction that can be reached.
type flow struct {
	spec    *ebpf.ProgramSpec
	insns   map[int]*asm.Instruction // by number, in slots
	entries map[string]int           // of functions, by name
	before  map[int]*state
	depth   map[int]int64 // of the stack, bytes, by function's entry
	calls   map[int][]int // from function's entry to function's entry
	owner   map[int]int   // from instruction to function's entry
	work    []int
}

// newFlow follows every path of a program until nothing more becomes known.
func newFlow(spec *ebpf.ProgramSpec) *flow {
	f := &flow{
		spec: spec, insns: make(map[int]*asm.Instruction), entries: make(map[string]int),
		before: make(map[int]*state), depth: make(map[int]int64), calls: make(map[int][]int), owner: make(map[int]int),
	}
	entry := 0
	iter := spec.Instructions.Iterate()
	for iter.Next() {
		n := int(iter.Offset)
		if name := iter.Ins.Symbol(); name != "" {
			f.entries[name], entry = n, n
		}
		f.insns[n], f.owner[n] = iter.Ins, entry
	}
	var start state
	start.regs[1] = value{kind: context, numbers: []int64{0}}
	start.regs[10] = value{kind: stack, numbers: []int64{0}}
	f.reach(0, &start)
	for len(f.work) > 0 {
		n := f.work[len(f.work)-1]
		f.work = f.work[:len(f.work)-1]
		f.step(n)
	}
	return f
}

// numbers are those of the instructions that can be reached.
func (f *flow) numbers() []int { return slices.Sorted(maps.Keys(f.before)) }

func (f *flow) reach(n int, s *state) {
	if f.insns[n] == nil {
		return
	}
	known := f.before[n]
	if known == nil {
		known = new(*s)
		f.before[n] = known
		f.work = append(f.work, n)
		return
	}
	if known.join(s) {
		f.work = append(f.work, n)
	}
}

// step carries what is known before an instruction to those after it.
func (f *flow) step(n int) {
	s := *f.before[n]
	ins := f.insns[n]
	code := byte(ins.OpCode)
	next := n + int(ins.Width())
	switch class(code) {
	case insn.ClassALU, insn.ClassALU64:
		s.compute(ins, code)
	case insn.ClassLD:
		s.load(ins)
	case insn.ClassLDX:
		s.regs[ins.Dst] = s.fetch(ins, f.spec.Type)
	case insn.ClassST, insn.ClassSTX:
		f.store(n, &s, ins, code)
	case insn.ClassJMP, insn.ClassJMP32:
		f.jump(n, next, &s, ins, code)
		return
	}
	f.reach(next, &s)
}

func (s *state) compute(ins *asm.Instruction, code byte) {
	source := constant(ins.Constant)
	if code&sourceX != 0 {
		source = s.regs[ins.Src]
	}
	dst := &s.regs[ins.Dst]
	switch op(code) {
	case opMOV:
		*dst = source
	case opADD:
		*dst = dst.add(source, 1)
	case opSUB:
		*dst = dst.add(source, -1)
	default:
		fn := folds(op(code))
		if fn == nil || dst.kind != scalar || source.kind != scalar {
			*dst = value{kind: scalar}
			return
		}
		*dst = dst.combine(source, fn)
	}
	if class(code) == insn.ClassALU && dst.kind != unknown {
		low := *dst
		low.kind, low.name = scalar, ""
		*dst = low.combine(constant(math.MaxUint32), func(a, b int64) int64 { return a & b })
	}
}

// folds is what an operation makes of two constants, nil where that is not followed.
func folds(op byte) func(a, b int64) int64 {
	switch op {
	case opMUL:
		return func(a, b int64) int64 { return a * b }
	case opOR:
		return func(a, b int64) int64 { return a | b }
	case opAND:
		return func(a, b int64) int64 { return a & b }
	case opXOR:
		return func(a, b int64) int64 { return a ^ b }
	case opLSH:
		return func(a, b int64) int64 { return a << (b & 63) }
	case opRSH:
		return func(a, b int64) int64 { return int64(uint64(a) >> (b & 63)) }
	case opARSH:
		return func(a, b int64) int64 { return a >> (b & 63) }
	}
	return nil
}

func (s *state) load(ins *asm.Instruction) {
	switch {
	case ins.IsLoadFromMap() && ins.Src == asm.PseudoMapValue:
		s.regs[ins.Dst] = value{} // a global variable: its section is refused
	case ins.IsLoadFromMap():
		s.regs[ins.Dst] = value{kind: mapPointer, name: ins.Reference(), numbers: []int64{0}}
	case ins.OpCode.IsDWordLoad():
		s.regs[ins.Dst] = constant(ins.Constant)
	default:
		s.regs[0] = value{kind: scalar} // of the packet
	}
}

// fetch is what a load from memory gives.
func (s *state) fetch(ins *asm.Instruction, t ebpf.ProgramType) value {
	from := s.regs[ins.Src]
	switch from.kind {
	case context:
		return field(t, int64(ins.Offset))
	case stack:
		if from.name != "" {
			return value{} // of a caller
		}
		if at, ok := from.only(); ok && width(byte(ins.OpCode)) == 8 {
			if i := slot(at + int64(ins.Offset)); i >= 0 && s.slots[i].kind != unknown {
				return s.slots[i]
			}
		}
	case packet, mapValue:
		return value{kind: scalar, wide: width(byte(ins.OpCode)) == 8}
	default: // nothing is read through others
	}
	return value{kind: scalar}
}

// field is what a member of the context holds: of struct xdp_md or struct
// __sk_buff, include/uapi/linux/bpf.h.
func field(t ebpf.ProgramType, offset int64) value {
	members := map[int64]kind{76: packet, 80: packetEnd, 140: packetMeta}
	if t == ebpf.XDP {
		members = map[int64]kind{0: packet, 4: packetEnd, 8: packetMeta}
	}
	if k := members[offset]; k != unknown {
		return value{kind: k, numbers: []int64{0}}
	}
	return value{kind: scalar}
}

func (f *flow) store(n int, s *state, ins *asm.Instruction, code byte) {
	to := s.regs[ins.Dst]
	if to.kind != stack || to.name != "" {
		return
	}
	for _, at := range to.numbers {
		f.depth[f.owner[n]] = max(f.depth[f.owner[n]], -(at + int64(ins.Offset)))
	}
	at, ok := to.only()
	if !ok {
		s.forget()
		return
	}
	at += int64(ins.Offset)
	s.fill(at, width(code), class(code) == insn.ClassSTX && s.regs[ins.Src].fills())
	if i := slot(at &^ 7); i >= 0 {
		s.slots[i] = value{}
		if width(code) == 8 && at%8 == 0 && class(code) == insn.ClassSTX && mode(code) == modeMEM {
			s.slots[i] = s.regs[ins.Src]
		}
	}
}

func (f *flow) jump(n, next int, s *state, ins *asm.Instruction, code byte) {
	switch op(code) {
	case opEXIT:
		return
	case opCALL:
		f.call(n, s, ins)
		f.reach(next, s)
		return
	case opJA:
		offset := int(ins.Offset)
		if class(code) == insn.ClassJMP32 {
			offset = int(ins.Constant)
		}
		f.reach(next+offset, s)
		return
	}
	s.compared()
	taken, straight := *s, *s
	if code&sourceX == 0 { // what a comparison with a number tells of the register
		v := s.regs[ins.Dst]
		if v.kind == mapValue && ins.Constant == 0 || v.kind == scalar {
			switch op(code) {
			case opJEQ:
				taken.regs[ins.Dst] = constant(ins.Constant)
			case opJNE:
				straight.regs[ins.Dst] = constant(ins.Constant)
			}
		}
	}
	f.reach(next+int(ins.Offset), &taken)
	f.reach(next, &straight)
}

// compared forgets that numbers are wide: one of them was compared with
// something, and others may be copies of it.
func (s *state) compared() {
	for i := range s.regs {
		s.regs[i].wide = false
	}
	for i := range s.slots {
		s.slots[i].wide = false
	}
}

// call does what a call does to the registers, and follows it into functions
// of the program.
func (f *flow) call(n int, s *state, ins *asm.Instruction) {
	result := value{kind: scalar}
	if ins.IsFunctionCall() {
		if entry, ok := f.entries[ins.Reference()]; ok {
			var callee state
			copy(callee.regs[1:6], s.regs[1:6])
			for i := range callee.regs {
				if r := &callee.regs[i]; r.kind == stack && r.name == "" {
					r.name = fmt.Sprint(f.owner[n])
				}
			}
			callee.regs[10] = value{kind: stack, numbers: []int64{0}}
			f.calls[f.owner[n]] = append(f.calls[f.owner[n]], entry)
			f.reach(entry, &callee)
		}
		s.forget()
	} else if ins.IsBuiltinCall() && asm.BuiltinFunc(ins.Constant) == asm.FnMapLookupElem && s.regs[1].kind == mapPointer {
		result = value{kind: mapValue, name: s.regs[1].name, numbers: []int64{0}}
	}
	clear(s.regs[:6])
	s.regs[0] = result
}
