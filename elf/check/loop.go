package check

import (
	"encoding/binary"

	"github.com/xdpload/xdpload/elf/insn"
)

// loop finds a jump back to an instruction from which it can be reached: the
// back edge that verifiers before Linux 5.3 refuse (check_cfg,
// kernel/bpf/verifier.c). It returns the slot of the jump.
func loop(code []byte, order binary.ByteOrder) (slot int, found bool) {
	const (
		unseen = iota
		entered
		left
	)
	n := len(code) / insn.Size
	state := make([]byte, n)
	type step struct{ at, next int }
	for path := []step{{}}; n > 0 && len(path) > 0; {
		top := &path[len(path)-1]
		state[top.at] = entered
		to := successors(insn.Decode(code[top.at*insn.Size:], order), top.at)
		if top.next == len(to) {
			state[top.at] = left
			path = path[:len(path)-1]
			continue
		}
		next := to[top.next]
		top.next++
		switch {
		case next < 0 || next >= n:
		case state[next] == entered:
			return top.at, true
		case state[next] == unseen:
			path = append(path, step{at: next})
		}
	}
	return 0, false
}

// successors returns the slots that may run after the one at a slot.
func successors(i insn.Instruction, at int) []int {
	var to [2]int
	list := to[:0]
	if i.Falls() {
		list = append(list, at+i.Slots())
	}
	if n, ok := i.Target(); ok && i.Op != insn.Call {
		list = append(list, at+n)
	}
	return list
}
