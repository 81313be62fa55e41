package convert

import "github.com/xdpload/xdpload/internal/classic"

// flow says which way a filter goes.
type flow struct {
	next    [][]int // by instruction, where it goes to; two ways are true and false
	reached []bool
	target  []bool // of a jump that is made: that of a jset even if it is next
}

func newFlow(filter []classic.Instruction, h Hook) *flow {
	n := len(filter)
	f := &flow{next: make([][]int, n), reached: make([]bool, n), target: make([]bool, n)}
	targets := make([]bool, n) // of any jump
	for at, i := range filter {
		for _, to := range f.ways(at, i) {
			targets[to] = targets[to] || i.Class() == classic.JMP
		}
	}
	f.reached[0] = true
	for at, i := range filter {
		if !f.reached[at] {
			continue
		}
		f.next[at] = f.ways(at, i)
		if at > 0 && h == XDP && !targets[at] && untagged(filter[at-1]) && i.Conditional() && i.Code&classic.X == 0 {
			f.next[at] = f.next[at][:1:1]
			if !ofZero(i) {
				f.next[at] = []int{at + 1 + int(i.JF)}
			}
		}
		if beyond(i) {
			f.next[at] = nil
		}
		for _, to := range f.next[at] {
			f.reached[to] = true
			f.target[to] = f.target[to] || i.Class() == classic.JMP && (to != at+1 || i.Operator() == classic.JSET)
		}
	}
	return f
}

// ways lists where an instruction goes to.
func (f *flow) ways(at int, i classic.Instruction) []int {
	switch {
	case i.Class() == classic.RET:
		return nil
	case i.Conditional() && i.JT == i.JF:
		return []int{at + 1 + int(i.JT)}
	case i.Conditional():
		return []int{at + 1 + int(i.JT), at + 1 + int(i.JF)}
	case i.Class() == classic.JMP:
		return []int{at + 1 + int(i.K)}
	}
	return []int{at + 1}
}

// untagged reports whether the instruction asks if there is a VLAN tag beside the
// packet. On XDP the tag is still in it. Both ways that tcpdump's filters then
// have are so only one, and the other may ask for what XDP does not have.
func untagged(i classic.Instruction) bool {
	e, ok := i.Extension()
	return ok && e == classic.VLANTagPresent
}

// ofZero tells which way a jump takes if A is 0.
func ofZero(i classic.Instruction) bool {
	op := i.Operator()
	return (op == classic.JEQ || op == classic.JGE) && i.K == 0
}
