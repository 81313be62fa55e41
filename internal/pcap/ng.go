package pcap

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"
)

// The types of the blocks that a pcapng file is a list of.
const (
	blockInterface = 1
	blockSimple    = 3
	blockPacket    = 6
	blockSection   = magicNG
)

// maxBlock bounds a block, as Wireshark does (MAX_BLOCK_SIZE in wiretap/pcapng.c).
const maxBlock = 16 << 20

// sections is what the blocks that were read have said.
type sections struct {
	interfaces []captureInterface // of the present section
}

type captureInterface struct {
	link   LinkType
	snap   uint32 // at most so much of a packet is captured, 0 for no limit
	second uint64 // units of time in a second, 0 for microseconds
}

// nextNG reads blocks up to the next one that holds a packet.
func (r *Reader) nextNG() (Packet, error) {
	for {
		kind, body, err := r.block()
		if err != nil {
			return Packet{}, err
		}
		switch kind {
		case blockSection:
			r.ng.interfaces = nil
		case blockInterface:
			err = r.addInterface(body)
		case blockPacket:
			return r.packet(body)
		case blockSimple:
			return r.simplePacket(body)
		}
		if err != nil {
			return Packet{}, err
		}
	}
}

// block reads a block: its type, and what is between the two lengths.
func (r *Reader) block() (kind uint32, body []byte, err error) {
	head, err := r.r.Peek(12)
	if len(head) == 0 {
		return 0, nil, io.EOF
	}
	if err != nil {
		return 0, nil, short(err)
	}
	if binary.LittleEndian.Uint32(head) == blockSection {
		if r.order, err = sectionOrder(head[8:]); err != nil {
			return 0, nil, err
		}
	}
	kind = r.order.Uint32(head)
	length := r.order.Uint32(head[4:])
	if length < 12 || length%4 != 0 || length > maxBlock {
		return 0, nil, fmt.Errorf("a block of type %#x with %d bytes", kind, length)
	}
	all, err := r.read(int(length))
	if err != nil {
		return 0, nil, err
	}
	if again := r.order.Uint32(all[length-4:]); again != length {
		return 0, nil, fmt.Errorf("a block of type %#x with %d bytes says %d at its end", kind, length, again)
	}
	return kind, all[8 : length-4], nil
}

// sectionOrder reads the mark by which a section tells its byte order.
func sectionOrder(mark []byte) (binary.ByteOrder, error) {
	const magic = 0x1a2b3c4d
	switch uint32(magic) {
	case binary.LittleEndian.Uint32(mark):
		return binary.LittleEndian, nil
	case binary.BigEndian.Uint32(mark):
		return binary.BigEndian, nil
	}
	return nil, fmt.Errorf("a section with the byte order mark % x", mark)
}

func (r *Reader) addInterface(body []byte) error {
	if len(body) < 8 {
		return fmt.Errorf("an interface block of %d bytes", len(body))
	}
	i := captureInterface{link: LinkType(r.order.Uint16(body)), snap: r.order.Uint32(body[4:])}
	for rest := body[8:]; len(rest) >= 4; {
		code, length := r.order.Uint16(rest), int(r.order.Uint16(rest[2:]))
		if code == 0 || 4+length > len(rest) {
			break
		}
		if code == 9 && length == 1 { // if_tsresol
			var ok bool
			if i.second, ok = resolution(rest[4]); !ok {
				return fmt.Errorf("an interface with the time resolution %#x", rest[4])
			}
		}
		rest = rest[min(len(rest), 4+(length+3)&^3):]
	}
	r.ng.interfaces = append(r.ng.interfaces, i)
	return nil
}

// resolution is how many units a second has: a power of ten, or of two.
func resolution(v byte) (uint64, bool) {
	n := v & 0x7f
	if v&0x80 != 0 {
		return 1 << (n & 63), n < 64
	}
	return uint64(math.Pow10(int(min(n, 19)))), n <= 19
}

func (r *Reader) packet(body []byte) (Packet, error) {
	if len(body) < 20 {
		return Packet{}, fmt.Errorf("a packet block of %d bytes", len(body))
	}
	index := r.order.Uint32(body)
	if int64(index) >= int64(len(r.ng.interfaces)) {
		return Packet{}, fmt.Errorf("it is of interface %d, and the file has told of %d", index, len(r.ng.interfaces))
	}
	i := r.ng.interfaces[index]
	units := uint64(r.order.Uint32(body[4:]))<<32 | uint64(r.order.Uint32(body[8:]))
	captured, length := r.order.Uint32(body[12:]), r.order.Uint32(body[16:])
	if captured > maxPacket {
		return Packet{}, tooLong(captured)
	}
	if int64(captured) > int64(len(body)-20) {
		return Packet{}, fmt.Errorf("%d bytes captured, in a block that has room for %d", captured, len(body)-20)
	}
	return Packet{Time: i.time(units), Length: int(length), Link: i.link, Data: body[20:][:captured]}, nil
}

// simplePacket reads a packet of the first interface, without time.
func (r *Reader) simplePacket(body []byte) (Packet, error) {
	if len(r.ng.interfaces) == 0 || len(body) < 4 {
		return Packet{}, fmt.Errorf("a simple packet block of %d bytes, after %d interfaces", len(body), len(r.ng.interfaces))
	}
	i := r.ng.interfaces[0]
	length := r.order.Uint32(body)
	captured := min(length, uint32(len(body)-4), maxPacket)
	if i.snap != 0 {
		captured = min(captured, i.snap)
	}
	return Packet{Length: int(length), Link: i.link, Data: body[4:][:captured]}, nil
}

func (i captureInterface) time(units uint64) time.Time {
	second := i.second
	if second == 0 {
		second = 1_000_000
	}
	if 1e9%second == 0 { // exact
		return time.Unix(int64(units/second), int64(units%second*(1e9/second)))
	}
	return time.Unix(int64(units/second), int64(float64(units%second)/float64(second)*1e9))
}
