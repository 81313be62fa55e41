package offload

import (
	"fmt"
	"math"

	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/elf/insn"
)

func (c *nfpProgram) call(n int, ins *asm.Instruction, s *state) {
	if ins.IsFunctionCall() {
		return
	}
	if !ins.IsBuiltinCall() {
		c.find(n, nfpVerifier, "no kernel function can be called")
		return
	}
	switch fn := asm.BuiltinFunc(ins.Constant); fn {
	case asm.FnMapLookupElem, asm.FnMapDeleteElem:
		c.argument(n, s.regs[2], "key")
	case asm.FnMapUpdateElem:
		c.argument(n, s.regs[2], "key")
		c.argument(n, s.regs[3], "value")
		c.update(n, s)
	case asm.FnPerfEventOutput:
		c.event(n, s)
	case asm.FnXdpAdjustHead, asm.FnXdpAdjustTail, asm.FnGetPrandomU32: // where the firmware can
	default:
		c.find(n, nfpVerifier, "helper %s is not there: only map lookup, update and delete, adjust_head, adjust_tail, get_prandom_u32 and perf_event_output", insn.HelperText(int32(fn)))
	}
}

// argument: keys and values are given on the stack, in whole words.
func (c *nfpProgram) argument(n int, v value, what string) {
	switch {
	case v.kind == unknown:
	case v.kind != stack:
		c.find(n, nfpVerifier, "the %s must be on the stack, not in %v", what, v.kind)
	case v.varies():
		c.find(n, nfpVerifier, "the %s must be at a constant place of the stack", what)
	default:
		for _, at := range v.numbers {
			if at%4 != 0 {
				c.find(n, nfpVerifier, "the %s must be at a multiple of 4 bytes of the stack, not at %d", what, at)
				return
			}
		}
	}
}

// event: the event goes to the CPU that the message from the card arrives at.
func (c *nfpProgram) event(n int, s *state) {
	const currentCPU = math.MaxUint32 // BPF_F_CURRENT_CPU
	flags := s.regs[3]
	if flags.kind == scalar && flags.varies() {
		c.find(n, nfpVerifier, "the flags of perf_event_output must be BPF_F_CURRENT_CPU")
	}
	for _, f := range flags.numbers {
		if f&currentCPU != currentCPU {
			c.find(n, nfpVerifier, "the flags of perf_event_output must be BPF_F_CURRENT_CPU, not %#x", f)
		}
	}
	data := s.regs[4]
	if data.kind == stack {
		c.argument(n, data, "event's data")
	}
	if data.kind == context || data.kind == packetEnd || data.kind == packetMeta {
		c.find(n, nfpVerifier, "the event's data cannot be %v", data.kind)
	}
}

// Of the stack, in bytes. The card's own limit is in a register of it, in
// units of 64 (NFP_NET_CFG_BPF_STACK_SZ); without a card, the kernel's is taken.
const (
	nfpStack      = 512 // MAX_BPF_STACK, include/linux/filter.h
	nfpFrameAlign = 64  // STACK_FRAME_ALIGN, main.h
	nfpReturn     = 4   // REG_WIDTH: the return address of a function
	nfpSaved      = 32  // R6 to R9 of the caller
)

// stack adds up the frames of the deepest chain of calls as nfp_bpf_finalize
// does, which counts more than the kernel.
func (c *nfpProgram) stack() {
	if used := c.frame(0, 0); used > nfpStack {
		c.add(&Finding{
			Program: c.spec.Name, Instruction: -1, Source: nfpVerifier,
			Rule: fmt.Sprintf("the stack takes %d bytes with the frames of its functions, of %d", used, nfpStack),
		})
	}
}

func (c *nfpProgram) frame(entry, level int) int64 {
	size := (c.depth[entry] + 7) &^ 7
	if entry != 0 {
		size += nfpReturn
		if c.savesRegisters(entry) {
			size += nfpSaved
		}
	}
	size = (size + nfpFrameAlign - 1) &^ (nfpFrameAlign - 1)
	var deepest int64
	if level < 8 { // MAX_CALL_FRAMES: the kernel refuses more, and recursion
		for _, callee := range c.calls[entry] {
			deepest = max(deepest, c.frame(callee, level+1))
		}
	}
	return size + deepest
}

// savesRegisters reports whether a function writes R6 to R9.
func (c *nfpProgram) savesRegisters(entry int) bool {
	for n, owner := range c.owner {
		if dst := c.insns[n].Dst; owner == entry && dst >= asm.R6 && dst <= asm.R9 {
			return true
		}
	}
	return false
}
