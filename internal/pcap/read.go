package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// Reader reads the packets of a file, in their order. It is for one goroutine.
type Reader struct {
	r      *bufio.Reader
	order  binary.ByteOrder
	number int
	buf    []byte

	link LinkType      // of a classic file
	unit time.Duration // of its fractions of a second
	ng   *sections     // of a pcapng file, nil for a classic one
}

// NewReader reads the file's header. It never closes r.
func NewReader(r io.Reader) (*Reader, error) {
	out := &Reader{r: bufio.NewReaderSize(r, 64<<10)}
	magic, err := out.r.Peek(4)
	if err != nil {
		return nil, fmt.Errorf("a capture's header: %w", short(err))
	}
	if binary.LittleEndian.Uint32(magic) == magicNG {
		out.ng = &sections{}
		return out, nil
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(magic) {
		case magicMicro:
			out.order, out.unit = order, time.Microsecond
		case magicNano:
			out.order, out.unit = order, time.Nanosecond
		}
	}
	if out.order == nil {
		return nil, fmt.Errorf("no capture of packets: it begins with % x, neither pcap nor pcapng", magic)
	}
	header, err := out.read(24)
	if err != nil {
		return nil, fmt.Errorf("a capture's header: %w", err)
	}
	out.link = LinkType(out.order.Uint32(header[20:])) // above it is what is known of the check sum
	return out, nil
}

// Packets returns the packets that are left. An error is the last thing it
// yields; it names the packet.
func (r *Reader) Packets() iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		for {
			p, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				err = fmt.Errorf("packet %d: %w", r.number+1, err)
			} else {
				r.number++
				p.Number = r.number
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// next returns io.EOF after the last packet.
func (r *Reader) next() (Packet, error) {
	if r.ng != nil {
		return r.nextNG()
	}
	if _, err := r.r.Peek(1); err != nil {
		return Packet{}, err
	}
	h, err := r.read(16)
	if err != nil {
		return Packet{}, err
	}
	seconds, fraction := int64(r.order.Uint32(h)), time.Duration(r.order.Uint32(h[4:]))
	captured, length := r.order.Uint32(h[8:]), r.order.Uint32(h[12:])
	if captured > maxPacket {
		return Packet{}, tooLong(captured)
	}
	p := Packet{Time: time.Unix(seconds, int64(fraction*r.unit)), Length: int(length), Link: r.link}
	p.Data, err = r.read(int(captured))
	return p, err
}

func tooLong(captured uint32) error {
	return fmt.Errorf("%d bytes captured: more than the %d of the longest packet", captured, maxPacket)
}

// read returns the next n bytes, which are valid until it is called again.
func (r *Reader) read(n int) ([]byte, error) {
	if n > len(r.buf) {
		r.buf = make([]byte, max(n, 2048))
	}
	_, err := io.ReadFull(r.r, r.buf[:n])
	return r.buf[:n], short(err)
}

// short tells the end of the file in the middle of something from its end.
func short(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
