package mapcmd

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/events"
	"github.com/xdpload/xdpload/internal/pcap"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// A sink is where records go.
type sink interface {
	write(*events.Record) error
	flush() error // what is in memory
	close() error
}

// open makes the sink that was asked for.
func (r *eventsRequest) open(e *env.Env, f *form) (sink, error) {
	clock := clock{form: f, boot: subject.BootTime()}
	if r.Out == "" {
		return &lines{clock: clock, w: render.Lines(e.Stdout, e.Options), json: e.JSON}, nil
	}
	var file io.Closer
	w := e.Stdout
	if r.Out != "-" {
		f, err := (&subject.OutputFile{File: r.Out}).Create(e)
		if err != nil {
			return nil, err
		}
		file, w = f, f
	}
	ng, err := pcap.NewNGWriter(w)
	if err != nil {
		return nil, err
	}
	return &capture{clock: clock, ng: ng, file: file, env: e, device: r.Map.Device, numbers: map[uint64]uint32{}}, nil
}

// A clock tells when a record was.
type clock struct {
	*form
	boot time.Time
}

func (c *clock) at(head []byte) time.Time {
	if c.time == nil || len(head) == 0 {
		return time.Now()
	}
	return c.boot.Add(time.Duration(c.time(head)))
}

// lines writes each record on a line, for people or as JSON.
type lines struct {
	clock
	w    io.Writer
	json bool
	buf  []byte
}

// full is how many bytes are written at once.
const full = 64 << 10

func (l *lines) write(rec *events.Record) error {
	p := l.cut(rec.Data)
	if l.json {
		l.buf = l.appendJSON(l.buf, rec, p)
	} else {
		l.buf = l.appendText(l.buf, rec, p)
	}
	if len(l.buf) < full {
		return nil
	}
	return l.flush()
}

func (l *lines) appendJSON(b []byte, rec *events.Record, p parts) []byte {
	b = l.at(p.head).AppendFormat(append(b, `{"time":"`...), time.RFC3339Nano)
	b = append(b, '"')
	if rec.CPU >= 0 {
		b = strconv.AppendInt(append(b, `,"cpu":`...), int64(rec.CPU), 10)
	}
	if len(p.head) > 0 {
		b = l.codec.Append(append(b, `,"record":`...), p.head)
	}
	if len(p.rest) > 0 {
		b = appendHex(append(b, `,"bytes":`...), p.rest)
	}
	if p.packet != nil {
		b = appendHex(append(b, `,"packet":`...), l.onWire(p))
	}
	return append(b, "}\n"...)
}

func appendHex(b, data []byte) []byte {
	return append(hex.AppendEncode(append(b, `"0x`...), data), '"')
}

func (l *lines) appendText(b []byte, rec *events.Record, p parts) []byte {
	b = l.at(p.head).AppendFormat(b, "15:04:05.000000000")
	if rec.CPU >= 0 {
		b = strconv.AppendInt(append(b, " cpu "...), int64(rec.CPU), 10)
	}
	if len(p.head) > 0 {
		b = l.codec.Append(append(b, ' '), p.head)
	}
	if len(p.rest) > 0 {
		b = hex.AppendEncode(append(b, " 0x"...), p.rest)
	}
	if p.packet != nil {
		b = hex.AppendEncode(append(b, " packet 0x"...), l.onWire(p))
	}
	return append(b, '\n')
}

func (l *lines) flush() error {
	if len(l.buf) == 0 {
		return nil
	}
	_, err := l.w.Write(l.buf)
	l.buf = l.buf[:0]
	return err
}

func (l *lines) close() error { return l.flush() }

// onWire is the packet without what the kernel has padded it with.
func (f *form) onWire(p parts) []byte {
	if n := f.wireLength(p); n < len(p.packet) {
		return p.packet[:n]
	}
	return p.packet
}

// wireLength is the length that the record tells of its packet, that of the packet itself
// where it tells none.
func (f *form) wireLength(p parts) int {
	if f.length == nil || len(p.head) == 0 {
		return len(p.packet)
	}
	return int(min(f.length(p.head), 1<<30))
}

// capture writes the packets as a pcapng file.
type capture struct {
	clock
	ng      *pcap.NGWriter
	file    io.Closer // nil for standard output
	env     *env.Env
	device  string            // that the map was named by, if so
	numbers map[uint64]uint32 // of interfaces in the file, by ifindex
	comment []byte
}

func (c *capture) write(rec *events.Record) error {
	p := c.cut(rec.Data)
	if p.packet == nil {
		return fmt.Errorf("a record of %d bytes: the packet is at %d", len(rec.Data), c.packet)
	}
	number, err := c.iface(p.head)
	if err != nil {
		return err
	}
	c.comment = c.comment[:0]
	if len(p.head) > 0 {
		c.comment = c.codec.Append(c.comment, p.head)
	}
	return c.ng.Write(number, &pcap.Packet{Time: c.at(p.head), Length: c.wireLength(p), Data: c.onWire(p)}, c.comment)
}

// iface is the number of the record's device in the file.
func (c *capture) iface(head []byte) (number uint32, err error) {
	var ifindex uint64
	if c.ifindex != nil && len(head) > 0 {
		ifindex = c.ifindex(head)
	}
	number, ok := c.numbers[ifindex]
	if !ok {
		number, err = c.ng.Interface(c.describe(ifindex))
		c.numbers[ifindex] = number
	}
	return number, err
}

// describe names a device, that of the map for 0, and says with which header its packets
// begin.
func (c *capture) describe(ifindex uint64) (name string, link pcap.LinkType) {
	l, err := c.link(ifindex)
	switch {
	case err != nil && ifindex != 0:
		return fmt.Sprintf("if%d", ifindex), pcap.Ethernet
	case err != nil || l == nil:
		return c.device, pcap.Ethernet
	case l.Type != unix.ARPHRD_ETHER && l.Type != unix.ARPHRD_LOOPBACK:
		return l.Name, pcap.Raw
	}
	return l.Name, pcap.Ethernet
}

// link finds a device, nil if none is named.
func (c *capture) link(ifindex uint64) (*netlink.Link, error) {
	if ifindex == 0 && c.device == "" {
		return nil, nil
	}
	conn, err := c.env.Netlink()
	switch {
	case err != nil:
		return nil, err
	case ifindex != 0:
		return conn.LinkByIndex(int(ifindex))
	}
	return conn.Link(c.device)
}

func (c *capture) flush() error { return c.ng.Flush() }

func (c *capture) close() error {
	err := c.ng.Flush()
	if c.file != nil {
		err = errors.Join(err, c.file.Close())
	}
	return err
}
