package pcap_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/pcap"
)

// frames are the packets of the tests: an ARP request, and one that was cut.
func frames() []pcap.Packet {
	arp := append(bytes.Repeat([]byte{0xff}, 6), 2, 0, 0, 0, 0, 1, 8, 6)
	arp = append(arp, make([]byte, 46)...)
	copy(arp[14:], []byte{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2})
	return []pcap.Packet{
		{Number: 1, Time: time.Unix(1700000000, 123456000), Length: 60, Link: pcap.Ethernet, Data: arp},
		{Number: 2, Time: time.Unix(1700000001, 999999000), Length: 1500, Link: pcap.Ethernet, Data: arp[:46]},
	}
}

// captures are the same packets in every form that is read.
func captures() map[string][]byte {
	all := map[string][]byte{"written": written(frames()), "ng written": writtenNG(frames())}
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		all["micro "+name] = classic(order, 0xa1b2c3d4, time.Microsecond)
		all["nano "+name] = classic(order, 0xa1b23c4d, time.Nanosecond)
		all["ng micro "+name] = ng(order, nil, time.Microsecond)
		all["ng nano "+name] = ng(order, []byte{9}, time.Nanosecond)
	}
	return all
}

func written(packets []pcap.Packet) []byte {
	var b bytes.Buffer
	w, err := pcap.NewWriter(&b, pcap.Ethernet)
	if err != nil {
		panic(err)
	}
	for i := range packets {
		if err := w.Write(&packets[i]); err != nil {
			panic(err)
		}
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func writtenNG(packets []pcap.Packet) []byte {
	var b bytes.Buffer
	w, err := pcap.NewNGWriter(&b)
	if err != nil {
		panic(err)
	}
	for i := range packets {
		number, err := w.Interface(fmt.Sprint("eth", i), pcap.Ethernet)
		if err != nil || number != uint32(i) {
			panic(fmt.Sprint(number, err))
		}
		if err := w.Write(number, &packets[i], []byte("a comment of 23 letters")[:20+i]); err != nil {
			panic(err)
		}
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func classic(order binary.AppendByteOrder, magic uint32, unit time.Duration) (b []byte) {
	put := func(all ...uint32) {
		for _, v := range all {
			b = order.AppendUint32(b, v)
		}
	}
	put(magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	put(0, 0, 65535, 1)
	for _, p := range frames() {
		put(uint32(p.Time.Unix()), uint32(time.Duration(p.Time.Nanosecond())/unit), uint32(len(p.Data)), uint32(p.Length))
		b = append(b, p.Data...)
	}
	return b
}

// ng makes a pcapng file of a section, a comment, an interface and packets.
func ng(order binary.AppendByteOrder, resolution []byte, unit time.Duration) (b []byte) {
	block := func(kind uint32, body []byte) {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		length := uint32(12 + len(body))
		b = order.AppendUint32(order.AppendUint32(b, kind), length)
		b = order.AppendUint32(append(b, body...), length)
	}
	section := order.AppendUint16(order.AppendUint16(order.AppendUint32(nil, 0x1a2b3c4d), 1), 0)
	block(0x0a0d0d0a, order.AppendUint64(section, ^uint64(0)))
	face := order.AppendUint32(order.AppendUint16(order.AppendUint16(nil, 1), 0), 65535)
	if resolution != nil {
		face = order.AppendUint16(order.AppendUint16(face, 9), uint16(len(resolution)))
		face = append(face, append(resolution, 0, 0, 0)...)
		face = append(face, 0, 0, 0, 0)
	}
	block(1, face)
	block(5, order.AppendUint64(order.AppendUint32(nil, 0), 7)) // statistics: nothing to read
	for _, p := range frames() {
		at := uint64(p.Time.UnixNano()) / uint64(unit)
		body := order.AppendUint32(order.AppendUint32(order.AppendUint32(nil, 0), uint32(at>>32)), uint32(at))
		body = order.AppendUint32(order.AppendUint32(body, uint32(len(p.Data))), uint32(p.Length))
		block(6, append(body, p.Data...))
	}
	return b
}

func readAll(b []byte) (all []pcap.Packet, err error) {
	r, err := pcap.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	for p, err := range r.Packets() {
		if err != nil {
			return all, err
		}
		p.Data = bytes.Clone(p.Data)
		all = append(all, p)
	}
	return all, nil
}

func TestForms(t *testing.T) {
	for name, b := range captures() {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(b)
			if diff := cmp.Diff(frames(), got); diff != "" || err != nil {
				t.Fatalf("%v\n%s", err, diff)
			}
			if got[0].Truncated() || !got[1].Truncated() {
				t.Error("the second packet alone was cut")
			}
		})
	}
}

// TestTcpdump has libpcap read the same files.
func TestTcpdump(t *testing.T) {
	need.Of(t, need.Command("tcpdump"))
	for name, b := range captures() {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "capture")
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("tcpdump", "-r", file, "-n", "-tt", "--number", "--time-stamp-precision=nano").Output()
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Split(strings.TrimSpace(string(out)), "\n")
			if len(got) != len(frames()) {
				t.Fatalf("%d packets:\n%s", len(got), out)
			}
			for i, p := range frames() {
				want := fmt.Sprintf("%d  %d.%09d ARP, Request who-has 10.0.0.2", p.Number, p.Time.Unix(), p.Time.Nanosecond())
				if !strings.Contains(strings.Join(strings.Fields(got[i]), " "), strings.Join(strings.Fields(want), " ")) {
					t.Errorf("tcpdump reads %q, want %q", got[i], want)
				}
			}
		})
	}
}

func TestBadFiles(t *testing.T) {
	little := captures()["micro little"]
	ngLittle := captures()["ng nano little"]
	patched := func(b []byte, at int, v ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], v)
		return b
	}
	for _, tt := range []struct {
		name string
		file []byte
		want string // the error
		good int    // packets before it
	}{
		{name: "empty", want: "a capture's header: unexpected EOF"},
		{name: "text", file: []byte("hello, world"), want: "no capture of packets: it begins with 68 65 6c 6c, neither pcap nor pcapng"},
		{name: "half a header", file: little[:20], want: "a capture's header: unexpected EOF"},
		{name: "half a packet header", file: little[:30], want: "packet 1: unexpected EOF"},
		{name: "half a packet", file: little[:len(little)-1], want: "packet 2: unexpected EOF", good: 1},
		{name: "long packet", file: patched(little, 32, 0xff, 0xff, 0xff, 0x7f), want: "packet 1: 2147483647 bytes captured: more than the 262144 of the longest packet"},
		{name: "ng: byte order", file: patched(ngLittle, 8, 1, 2, 3, 4), want: "packet 1: a section with the byte order mark 01 02 03 04"},
		{name: "ng: length", file: patched(ngLittle, 4, 3), want: "packet 1: a block of type 0xa0d0d0a with 3 bytes"},
		{name: "ng: second length", file: patched(ngLittle, 24, 3), want: "packet 1: a block of type 0xa0d0d0a with 28 bytes says 3 at its end"},
		{name: "ng: cut", file: ngLittle[:len(ngLittle)-2], want: "packet 2: unexpected EOF", good: 1},
		{name: "ng: resolution", file: patched(ngLittle, 28+8+8+4, 99), want: "packet 1: an interface with the time resolution 0x63"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readAll(tt.file)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if len(got) != tt.good {
				t.Errorf("%d packets before it, want %d", len(got), tt.good)
			}
		})
	}
}

func TestWriteTooLong(t *testing.T) {
	w, err := pcap.NewWriter(new(bytes.Buffer), pcap.Ethernet)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&pcap.Packet{Data: make([]byte, 1<<20)}); err == nil {
		t.Error("a packet that no reader takes is written")
	}
}

// FuzzRead reads anything without a panic, and what it reads is the same when
// it is written and read again.
func FuzzRead(f *testing.F) {
	for _, b := range captures() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		packets, _ := readAll(b)
		for i := range packets {
			p := &packets[i]
			p.Link, p.Length = pcap.Ethernet, max(p.Length, len(p.Data))
			if s := p.Time.Unix(); s < 0 || s > 1<<32-1 {
				p.Time = time.Unix(0, 0)
			}
		}
		again, err := readAll(written(packets))
		if diff := cmp.Diff(packets, again); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}
