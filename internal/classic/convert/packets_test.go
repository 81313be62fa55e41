package convert_test

import (
	"encoding/binary"
	"math/rand/v2"
)

// packets returns count frames, always the same ones: of many protocols, with
// values that the filters of the fixture ask for, some fragments, some cut off.
func packets(count int) [][]byte {
	g := &generator{rand.New(rand.NewPCG(1, 2))}
	all := make([][]byte, count)
	for i := range all {
		all[i] = g.frame()
		if g.one(4) {
			all[i] = all[i][:14+g.IntN(len(all[i])-13)]
		}
	}
	return all
}

// generator makes frames.
type generator struct{ *rand.Rand }

func (g *generator) one(of int) bool { return g.IntN(of) == 0 }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func be16(b []byte, values ...int) []byte {
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return b
}

func (g *generator) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}

func (g *generator) frame() []byte {
	b := append([]byte{}, pick(g, "\xff\xff\xff\xff\xff\xff", "\x02\x00\x00\x00\x00\x02", "\x02\x00\x00\x00\x00\x01", "\x01\x00\x5e\x00\x00\x01", "\x33\x33\x00\x00\x00\x01")...)
	b = append(b, pick(g, "\x02\x00\x00\x00\x00\x01", "\x02\x00\x00\x00\x00\x02")...)
	for range pick(g, 0, 0, 0, 0, 1, 1, 2) {
		b = be16(b, pick(g, 0x8100, 0x8100, 0x88a8, 0x9100), pick(g, 5, 100, 0x2005, 7))
	}
	switch pick(g, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7) {
	case 0:
		return g.ipv4(be16(b, 0x0800))
	case 1:
		return g.ipv6(be16(b, 0x86dd))
	case 2:
		return g.arp(be16(b, pick(g, 0x0806, 0x8035)))
	case 3: // MPLS, of one label or two
		b = be16(b, 0x8847)
		if g.one(2) {
			b = append(b, 0, 6, 0x40, 64)
		}
		return g.ipv4(append(b, 0, 6, 0x41, 64))
	case 4: // PPPoE
		if g.one(3) {
			return append(be16(b, 0x8863), g.bytes(30)...)
		}
		return g.ipv4(be16(b, 0x8864, 0x1100, 1, 60, 0x21))
	case 5: // a length: LLC, spanning tree, IPX, IS-IS
		return append(append(be16(b, pick(g, 38, 100)), pick(g, "\x42\x42\x03", "\xff\xff\x00", "\xfe\xfe\x03\x83", "\xaa\xaa\x03\x00\x00\x00\x80\x9b")...), g.bytes(40)...)
	case 6:
		return append(be16(b, pick(g, 0x88cc, 0x88b5, 0x6003)), g.bytes(46)...)
	}
	return append(b, g.bytes(4+g.IntN(1500))...)
}

var (
	hosts4 = []string{"\x0a\x00\x00\x01", "\x0a\x00\x00\x02", "\x0a\x00\x00\x03", "\xc0\x00\x02\x01", "\xc0\xa8\x01\x01", "\xac\x10\x00\x05", "\xe0\x00\x00\x01", "\xff\xff\xff\xff"}
	hosts6 = []string{
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02",
		"\x20\x01\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09", "\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
	}
)

func (g *generator) ipv4(b []byte) []byte {
	words := pick(g, 5, 5, 5, 5, 6, 8, 15)
	proto := pick(g, 6, 6, 6, 6, 17, 17, 17, 1, 2, 47, 50, 51, 132, 103)
	payload := g.transport(proto)
	fragment := pick(g, 0, 0, 0, 0x4000, 0x2000, 0x2010, 0x0100)
	start := len(b)
	b = append(b, byte(0x40|words), pick[byte](g, 0, 0, 0xb8))
	b = be16(b, 4*words+len(payload), g.IntN(3), fragment)
	b = append(b, pick[byte](g, 1, 4, 63, 64, 64, 128, 255), byte(proto))
	b = be16(b, pick(g, 0, 0x1234))
	b = append(append(b, pick(g, hosts4...)...), pick(g, hosts4...)...)
	b = append(b, g.bytes(start+4*words-len(b))...)
	return append(b, payload...)
}

func (g *generator) ipv6(b []byte) []byte {
	proto := pick(g, 6, 6, 6, 17, 17, 58, 58, 132)
	payload := g.transport(proto)
	next := proto
	switch g.IntN(8) {
	case 0: // a fragment
		payload = append([]byte{byte(proto), 0, 0, pick[byte](g, 0, 1, 8), 0, 0, 0, 1}, payload...)
		next = 44
	case 1: // options for each hop
		payload = append([]byte{byte(proto), 0, 1, 4, 0, 0, 0, 0}, payload...)
		next = 0
	}
	b = append(b, 0x60, 0, 0, 0)
	b = append(be16(b, len(payload)), byte(next), pick[byte](g, 1, 64, 255))
	b = append(append(b, pick(g, hosts6...)...), pick(g, hosts6...)...)
	return append(b, payload...)
}

func (g *generator) transport(proto int) []byte {
	port := func() int {
		return pick(g, 80, 80, 443, 22, 53, 53, 1, 8, 60, 123, 179, 1024, 8080, 33434, 65535, 80+g.IntN(2), g.IntN(1<<16))
	}
	data := pick(g, "", "", "GET / HTTP/1.1\r\n", "\x16\x03\x01\x00\x50\x01", string(g.bytes(g.IntN(80))), string(g.bytes(g.IntN(1300))))
	switch proto {
	case 6:
		b := be16(nil, port(), port(), g.IntN(2), 0, 0, g.IntN(3), pick(g, 0x5002, 0x5010, 0x5012, 0x5018, 0x5004, 0x5000, 0x5029, 0x6002), pick(g, 512, 29200), 0, 0)
		if b[12] == 0x60 {
			b = append(b, 2, 4, 5, 0xb4)
		}
		return append(b, data...)
	case 17:
		return append(be16(nil, port(), port(), 8+len(data), 0), data...)
	case 1:
		return append(be16([]byte{pick[byte](g, 0, 3, 8, 11), pick[byte](g, 0, 4)}, 0, 1, g.IntN(3)), data...)
	case 58:
		return append(be16([]byte{pick[byte](g, 1, 128, 129, 135), 0}, 0, 1, 2), data...)
	}
	return append(be16(nil, g.IntN(1<<16), g.IntN(1<<16)), data...)
}

func (g *generator) arp(b []byte) []byte {
	b = append(be16(b, 1, 0x0800, 0x0604, pick(g, 1, 2)), "\x02\x00\x00\x00\x00\x01"...)
	b = append(append(b, pick(g, hosts4...)...), 0, 0, 0, 0, 0, 0)
	return append(append(b, pick(g, hosts4...)...), make([]byte, 18)...)
}
