package offload

import "github.com/cilium/ebpf/asm"

// atomicUse is the use of a word that is added to.
const atomicUse = "atomic"

// A mapUses remembers how each word of 4 bytes of a map's values is used: a word
// of an atomic counter is kept in another byte order, so can be nothing else.
type mapUses map[mapWord]string

type mapWord struct {
	name string
	word int64
}

func (c *nfpProgram) use(n int, ins *asm.Instruction, v value, how string) {
	start, ok := v.only()
	if v.varies() {
		c.find(n, nfpVerifier, "a map's value cannot be reached at an offset that is not a constant")
	}
	if !ok {
		return
	}
	start += int64(ins.Offset)
	for word := start / 4; word*4 < start+width(byte(ins.OpCode)); word++ {
		key := mapWord{v.name, word}
		if before := c.uses[key]; before != "" && before != how {
			c.find(n, nfpVerifier, "bytes %d to %d of the values of map %s have %s and %s use: only one of the two",
				word*4, word*4+3, v.name, before, how)
			return
		}
		c.uses[key] = how
		if how == atomicUse && c.set[key] {
			c.counter(n, key)
			return
		}
	}
}

// update: words that are added to begin as zero, in whatever byte order.
func (c *nfpProgram) update(n int, s *state) {
	at, ok := s.regs[3].only()
	m := c.maps[s.regs[1].name]
	if !ok || m == nil || s.regs[1].kind != mapPointer || s.regs[3].kind != stack || s.regs[3].name != "" {
		return
	}
	for i := range int64(min(m.ValueSize, nfpElement)) {
		if !s.holds(at + i) {
			continue
		}
		key := mapWord{s.regs[1].name, i / 4}
		c.set[key] = true
		if c.uses[key] == atomicUse {
			c.counter(n, key)
			return
		}
	}
}

func (c *nfpProgram) counter(n int, w mapWord) {
	c.find(n, nfpVerifier, "bytes %d to %d of the values of map %s are added to, so bpf_map_update_elem can only set them to zero",
		w.word*4, w.word*4+3, w.name)
}
