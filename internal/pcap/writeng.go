package pcap

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// NGWriter writes a pcapng file, with times in nanoseconds and packets of several
// interfaces. It is for one goroutine.
type NGWriter struct {
	w          *bufio.Writer
	interfaces uint32
	block      []byte // that is being made
}

// The options that are written, each of the block it is in.
const (
	optionComment    = 1
	optionName       = 2 // of an interface
	optionResolution = 9 // of its times
)

// NewNGWriter begins a file. It never closes w; call Flush after the last packet.
func NewNGWriter(w io.Writer) (*NGWriter, error) {
	out := &NGWriter{w: bufio.NewWriterSize(w, 64<<10)}
	out.begin(blockSection)
	out.add32(0x1a2b3c4d)
	out.add16(1) // version 1.0
	out.add16(0)
	out.block = binary.NativeEndian.AppendUint64(out.block, ^uint64(0)) // length not known
	return out, out.end()
}

// Interface adds an interface, and returns its number for Write. The name may be empty.
func (w *NGWriter) Interface(name string, link LinkType) (number uint32, err error) {
	w.begin(blockInterface)
	w.add16(uint16(link))
	w.add16(0)
	w.add32(maxPacket)
	if name != "" {
		w.option(optionName, []byte(name))
	}
	w.option(optionResolution, []byte{9}) // 10⁻⁹ s
	w.option(0, nil)
	number, w.interfaces = w.interfaces, w.interfaces+1
	return number, w.end()
}

// Write adds a packet of an interface: its time, its data, and its length on the wire
// where that is more. An empty comment is left out.
func (w *NGWriter) Write(iface uint32, p *Packet, comment []byte) error {
	if len(p.Data) > maxPacket {
		return fmt.Errorf("a packet of %d bytes: a capture takes up to %d", len(p.Data), maxPacket)
	}
	var at uint64
	if !p.Time.IsZero() {
		at = uint64(p.Time.UnixNano())
	}
	w.begin(blockPacket)
	w.add32(iface)
	w.add32(uint32(at >> 32))
	w.add32(uint32(at))
	w.add32(uint32(len(p.Data)))
	w.add32(uint32(max(p.Length, len(p.Data))))
	w.padded(p.Data)
	if len(comment) > 0 {
		w.option(optionComment, comment)
		w.option(0, nil)
	}
	return w.end()
}

// Flush writes what is still in memory.
func (w *NGWriter) Flush() error { return w.w.Flush() }

func (w *NGWriter) begin(kind uint32) {
	w.block = w.block[:0]
	w.add32(kind)
	w.add32(0) // the length, see end
}

func (w *NGWriter) end() error {
	length := uint32(len(w.block) + 4)
	binary.NativeEndian.PutUint32(w.block[4:], length)
	w.add32(length)
	_, err := w.w.Write(w.block)
	return err
}

func (w *NGWriter) add16(v uint16) { w.block = binary.NativeEndian.AppendUint16(w.block, v) }
func (w *NGWriter) add32(v uint32) { w.block = binary.NativeEndian.AppendUint32(w.block, v) }

func (w *NGWriter) option(code uint16, value []byte) {
	value = value[:min(len(value), 0xffff)]
	w.add16(code)
	w.add16(uint16(len(value)))
	w.padded(value)
}

// padded adds bytes, and what fills the last four.
func (w *NGWriter) padded(b []byte) {
	var zero [3]byte
	w.block = append(append(w.block, b...), zero[:-len(b)&3]...)
}
