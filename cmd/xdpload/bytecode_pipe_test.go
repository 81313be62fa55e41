package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// tcpPort80 is what tcpdump -ddd prints for 'tcp port 80'.
const tcpPort80 = "20\n40 0 0 12\n21 0 6 34525\n48 0 0 20\n21 0 15 6\n40 0 0 54\n21 12 0 80\n40 0 0 56\n21 10 11 80\n21 0 10 2048\n" +
	"48 0 0 23\n21 0 8 6\n40 0 0 20\n69 6 0 8191\n177 0 0 14\n72 0 0 14\n21 2 0 80\n72 0 0 16\n21 0 1 80\n6 0 0 262144\n6 0 0 0\n"

// TestBytecodePipeline drops what an expression of tcpdump's describes, by one
// pipeline, and sees just that dropped.
func TestBytecodePipeline(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	const (
		stored  = "cat web.ddd"
		tcpdump = "tcpdump -ddd -y EN10MB 'tcp port 80'"
		toXDP   = "xdpload link set dev v0 xdp obj -"
		toTC    = "xdpload tc filter add dev v1 egress bpf da obj -"
	)
	tests := []struct {
		name, line string
		needs      []bpftest.Feature
		passes     [5]bool // of the frames below
	}{
		{"xdp", stored + " | xdpload bytecode xdp -drop -o - | " + toXDP, nil, [...]bool{false, false, true, true, true}},
		{"xdp pass", stored + " | xdpload bytecode xdp -o - -pass | " + toXDP, nil, [...]bool{true, true, false, false, false}},
		{"tcpdump", tcpdump + " | xdpload bytecode xdp -drop -o - | " + toXDP, []bpftest.Feature{bpftest.Command("tcpdump")}, [...]bool{false, false, true, true, true}},
		{"words", stored + " | xdpload bytecode disasm | xdpload bytecode asm form c | xdpload bytecode xdp -drop -o - | " + toXDP, nil, [...]bool{false, false, true, true, true}},
		{"listing", stored + " | xdpload bytecode xdp -drop listing -o - | xdpload elf asm - -o - | " + toXDP, nil, [...]bool{false, false, true, true, true}},
		{"tc", stored + " | xdpload bytecode tc -drop -o - | " + toTC, nil, [...]bool{false, false, true, true, true}},
		{"tc pass", stored + " | xdpload bytecode tc -pass -o - | " + toTC, nil, [...]bool{true, true, false, false, false}},
	}
	frames := [5][]byte{tcpFrame(1024, 80, 6, 0), tcpFrame(80, 1024, 6, 0), tcpFrame(1024, 81, 6, 0), tcpFrame(1024, 80, 17, 0), tcpFrame(1024, 80, 6, 100)}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.Need(t, tt.needs...)
			ns := bpftest.NewNamespace(t)
			to, from := ns.Veth("v0", "v1")
			cmd := exec.Command("sh", "-ec", tt.line)
			cmd.Dir = pipelineDir(t)
			cmd.Env = append(os.Environ(), asProgram+"=1", "PATH="+cmd.Dir+":"+os.Getenv("PATH"))
			out := new(bytes.Buffer)
			cmd.Stdout, cmd.Stderr = out, out
			if err := ns.Run(cmd); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			receiver, sender := ns.TapOf(to, unix.ETH_P_IP), ns.TapOf(from, unix.ETH_P_IP)
			for i, f := range frames {
				if err := sender.Offer(f); err != nil {
					t.Fatal(err)
				}
				got, err := receiver.Receive()
				if err != nil || got != nil && !bytes.Equal(got, f) {
					t.Fatalf("%v: %x came in place of %x", err, got, f)
				}
				if arrives := got != nil; arrives != tt.passes[i] {
					t.Errorf("frame %d arrives: %v; the pipeline said %s", i, arrives, out)
				}
			}
		})
	}
}

// pipelineDir has the program, and what tcpdump would print.
func pipelineDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, "xdpload"))
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "web.ddd"), []byte(tcpPort80), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// tcpFrame is an IPv4 frame of the protocol, with ports, at an offset of its packet in
// units of 8 bytes.
func tcpFrame(from, to uint16, protocol byte, offset uint16) []byte {
	f := make([]byte, 60)
	copy(f, "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x08\x00\x45\x00\x00\x2e")
	binary.BigEndian.PutUint16(f[20:], offset)
	f[22], f[23] = 64, protocol
	copy(f[26:], "\x0a\x00\x00\x01\x0a\x00\x00\x02")
	binary.BigEndian.PutUint16(f[34:], from)
	binary.BigEndian.PutUint16(f[36:], to)
	return f
}
