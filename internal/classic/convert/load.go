package convert

import (
	"errors"
	"fmt"

	"github.com/xdpload/xdpload/internal/classic"
)

// farthest is where the packet of a program ends at most, MAX_PACKET_OFF of
// kernel/bpf/verifier.c.
const farthest = 0xffff

// Offsets from which on a load is relative to a header, linux/filter.h.
const (
	networkOffset   = 0xfff00000 // SKF_NET_OFF
	linkLayerOffset = 0xffe00000 // SKF_LL_OFF
)

// load writes a load into A or X.
func (c *converter) load(i classic.Instruction) error {
	register := "0"
	if i.Class() == classic.LDX {
		register = "9"
	}
	switch i.Mode() {
	case classic.IMM:
		c.emitf("w%s = %d", register, int32(i.K))
	case classic.MEM:
		c.emitf("r%s = *(u32 *)(r10 %d)", register, memory(i.K))
	case classic.LEN:
		c.length(register)
	case classic.IND:
		return c.indirect(i)
	case classic.ABS:
		if e, ok := i.Extension(); ok {
			return c.extension(e)
		}
		return c.absolute(i, "0")
	case classic.MSH:
		if err := c.absolute(i, "9"); err != nil || beyond(i) {
			return err
		}
		c.emit("w9 &= 15", "w9 <<= 2")
	}
	return nil
}

// start is the offset of a load with a constant one, from the packet's start.
func start(k uint32) uint32 {
	if k >= linkLayerOffset && k < networkOffset {
		return k - linkLayerOffset
	}
	return k
}

// fromPacket reports whether a load has a constant offset in the packet.
func fromPacket(i classic.Instruction) bool {
	_, extension := i.Extension()
	return i.Class() <= classic.LDX && (i.Mode() == classic.ABS || i.Mode() == classic.MSH) && !extension
}

// beyond reports whether the load is one that no packet is long enough for.
func beyond(i classic.Instruction) bool {
	return fromPacket(i) && i.K < networkOffset && uint64(start(i.K))+uint64(i.Size()) > farthest
}

var errNetwork = errors.New("an offset from the network's header, which only the kernel knows")

func (c *converter) absolute(i classic.Instruction, register string) error {
	switch {
	case i.K >= networkOffset:
		return errNetwork
	case beyond(i):
		c.emitf("goto %s", c.reject())
		return nil
	}
	c.emit("r3 = r7")
	c.read(i.Size(), int(start(i.K)), register)
	return nil
}

func (c *converter) indirect(i classic.Instruction) error {
	if i.K >= linkLayerOffset && i.K < linkLayerOffset+farthest || i.K >= networkOffset && i.K < networkOffset+farthest {
		return errors.New("an offset from a header and X")
	}
	c.emitf("w2 = %d", int32(i.K)) // not X first: the verifier would keep in mind what X is less than r2
	c.emit("w2 += w9")
	c.emitf("if r2 > %#x goto %s", farthest-i.Size(), c.reject())
	c.emit("r3 = r7", "r3 += r2")
	c.read(i.Size(), 0, "0")
	return nil
}

// read loads what is at r3 plus an offset, if the packet has it: a pointer is moved to the
// end of what is read, and compared with the end of the packet.
func (c *converter) read(size, offset int, register string) {
	c.emitf("r3 += %d", offset+size)
	c.emitf("if r3 > r8 goto %s", c.reject())
	c.emitf("r%s = *(u%d *)(r3 -%d)", register, 8*size, size)
	if size > 1 {
		c.emitf("r%s = be%d r%[1]s", register, 8*size)
	}
}

// bounds sets r7 and r8 to the start and the end of the packet.
func (c *converter) bounds() {
	data, end := 0, 4 // struct xdp_md
	if c.Hook == TC {
		data, end = skbData, skbDataEnd
	}
	c.emitf("r7 = *(u32 *)(r6 +%d)", data)
	c.emitf("r8 = *(u32 *)(r6 +%d)", end)
}

// linear has the kernel bring those bytes into the linear part of an sk_buff that the
// filter may read: only these does a program see. Most packets have them there.
func (c *converter) linear() {
	need, indirect := 0, false
	for at, i := range c.filter {
		if !c.flow.reached[at] {
			continue
		}
		indirect = indirect || i.Class() == classic.LD && i.Mode() == classic.IND
		if fromPacket(i) && !beyond(i) && i.K < networkOffset {
			need = max(need, int(start(i.K))+i.Size())
		}
	}
	if need == 0 && !indirect {
		return
	}
	c.emitf("r2 = *(u32 *)(r6 +%d)", skbLen)
	if !indirect {
		c.emitf("if r2 < %#x goto part", need)
		c.emitf("w2 = %d", need)
		c.text.WriteString("part:\n")
	}
	c.emit("r3 = r8", "r3 -= r7", "if r3 >= r2 goto start", "r1 = r6", "call bpf_skb_pull_data")
	c.bounds()
	c.text.WriteString("start:\n")
}

// length writes the length of the packet, which is that of its link layer's header on.
func (c *converter) length(register string) {
	if c.Hook == TC {
		c.emitf("r%s = *(u32 *)(r6 +%d)", register, skbLen)
		return
	}
	c.emitf("r%s = r8", register)
	c.emitf("r%s -= r7", register)
}

// unknown is an extension that the hook has nothing for.
func unknown(e classic.Extension, h Hook, why string) error {
	return fmt.Errorf("no %v in %v: %s", e, h, why)
}
