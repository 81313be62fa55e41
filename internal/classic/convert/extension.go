package convert

import (
	"fmt"

	"github.com/xdpload/xdpload/internal/classic"
)

// Offsets in struct __sk_buff of linux/bpf.h.
const (
	skbLen     = 0
	skbData    = 76
	skbDataEnd = 80
)

// extension writes an extension into A.
func (c *converter) extension(e classic.Extension) error {
	switch e {
	case classic.XorX:
		c.emit("w0 ^= w9")
		return nil
	case classic.CPU:
		c.emit("call bpf_get_smp_processor_id", "w0 = w0")
		return nil
	case classic.Random:
		c.emit("call bpf_get_prandom_u32", "w0 = w0")
		return nil
	case classic.PayloadOffset, classic.NetlinkAttr, classic.NetlinkNested:
		return unknown(e, c.Hook, "only the kernel finds it, and no helper calls that")
	case classic.HardwareType:
		return unknown(e, c.Hook, "a program does not see the type of its device")
	default:
		if c.Hook == TC {
			return c.field(e)
		}
		return c.metadata(e)
	}
}

// fields are those of struct __sk_buff that extensions stand for; big are in
// network byte order.
var fields = [...]struct {
	e      classic.Extension
	offset int
	big    bool
}{
	{e: classic.PacketType, offset: 4},
	{e: classic.Mark, offset: 8},
	{e: classic.Queue, offset: 12},
	{e: classic.Protocol, offset: 16, big: true},
	{e: classic.VLANTagPresent, offset: 20},
	{e: classic.VLANTag, offset: 24},
	{e: classic.VLANProtocol, offset: 28, big: true},
	{e: classic.Ifindex, offset: 40},
	{e: classic.ReceiveHash, offset: 68},
}

func (c *converter) field(e classic.Extension) error {
	for _, f := range fields {
		if f.e != e {
			continue
		}
		c.emitf("r0 = *(u32 *)(r6 +%d)", f.offset)
		if f.big {
			c.emit("r0 = be16 r0")
		}
		return nil
	}
	return unknown(e, c.Hook, "struct __sk_buff has no such field")
}

// metadata writes what an XDP program knows of a packet beside its bytes.
func (c *converter) metadata(e classic.Extension) error {
	switch e {
	case classic.Ifindex:
		c.emit("r0 = *(u32 *)(r6 +12)") // ingress_ifindex of struct xdp_md
		return nil
	case classic.VLANTagPresent:
		c.emit("w0 = 0")
		return nil
	case classic.VLANTag, classic.VLANProtocol:
		return unknown(e, c.Hook, "the tag is still in the packet, at [12]")
	case classic.Protocol:
		c.protocol()
		return nil
	case classic.Queue:
		return unknown(e, c.Hook, "the queue of an sk_buff is set later, and is not that of the device")
	default:
		return unknown(e, c.Hook, "there is no sk_buff yet")
	}
}

// protocol works out what the kernel takes the protocol of an Ethernet frame to
// be (eth_type_trans of net/ethernet/eth.c): the type, or ETH_P_802_3 or ETH_P_802_2
// where that is a length.
func (c *converter) protocol() {
	c.protocols++
	done, short := fmt.Sprintf("type%d", c.protocols), fmt.Sprintf("llc%d", c.protocols)
	c.emit("r3 = r7")
	c.read(2, 12, "0")
	c.emitf("if w0 >= 0x600 goto %s", done)
	c.emit("r3 += 2")
	c.emitf("if r3 > r8 goto %s", short)
	c.emit("r2 = *(u16 *)(r3 -2)", "w0 = 1")
	c.emitf("if w2 == 0xffff goto %s", done)
	c.text.WriteString(short + ":\n")
	c.emit("w0 = 4")
	c.text.WriteString(done + ":\n")
}
