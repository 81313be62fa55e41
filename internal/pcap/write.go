package pcap

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Writer writes a classic file, with times in nanoseconds. It is for one
// goroutine.
type Writer struct {
	w *bufio.Writer
}

// NewWriter writes the header of a file of packets with the link type. It
// never closes w; call Flush after the last packet.
func NewWriter(w io.Writer, link LinkType) (*Writer, error) {
	out := &Writer{w: bufio.NewWriterSize(w, 64<<10)}
	var header [24]byte
	binary.NativeEndian.PutUint32(header[0:], magicNano)
	binary.NativeEndian.PutUint16(header[4:], 2) // version 2.4
	binary.NativeEndian.PutUint16(header[6:], 4)
	binary.NativeEndian.PutUint32(header[16:], maxPacket)
	binary.NativeEndian.PutUint32(header[20:], uint32(link))
	_, err := out.w.Write(header[:])
	return out, err
}

// Write adds a packet: its time, its data, and its length on the wire where
// that is more. The link type is that of the file.
func (w *Writer) Write(p *Packet) error {
	if len(p.Data) > maxPacket {
		return fmt.Errorf("a packet of %d bytes: a capture takes up to %d", len(p.Data), maxPacket)
	}
	var header [16]byte
	if !p.Time.IsZero() {
		binary.NativeEndian.PutUint32(header[0:], uint32(p.Time.Unix()))
		binary.NativeEndian.PutUint32(header[4:], uint32(p.Time.Nanosecond()))
	}
	binary.NativeEndian.PutUint32(header[8:], uint32(len(p.Data)))
	binary.NativeEndian.PutUint32(header[12:], uint32(max(p.Length, len(p.Data))))
	if _, err := w.w.Write(header[:]); err != nil {
		return err
	}
	_, err := w.w.Write(p.Data)
	return err
}

// Flush writes what is still in memory.
func (w *Writer) Flush() error { return w.w.Flush() }
