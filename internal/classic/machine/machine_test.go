package machine_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/classic"
	"github.com/xdpload/xdpload/internal/classic/machine"
)

// TestKept runs filters in both machines, and wants the bytes that they keep.
func TestKept(t *testing.T) {
	packet := append([]byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00\x45\x00\x00\x2e\xff\xff\xff\xff\x40\x06"), make([]byte, 36)...)
	tests := []struct {
		text   string
		kernel int
		vm     int // -1 if unable
	}{
		{"ret #-1", 60, 60},
		{"ret #20", 20, 20},
		{"ret #1", 1, 1},
		{"ret #0", 0, 0},
		{"ldb [23] ret a", 6, 6},
		{"ldb [60] ret #-1", 0, 0},
		{"ldb [59] ret #-1", 60, 60},
		{"ld [59] ret #-1", 0, 0},
		{"ldb [23] neg add #20 ret a", 14, 14},
		{"ldx #len txa sub #7 ret a", 53, 53},
		{"ldx #5 ld #3 ld [-4056] ret a", 6, 6},
		{"ldx #0 ld #3 div x ret #-1", 0, 0},
		{"ldx #24 ldb [x + -1] ret a", 6, -1},
		{"ld #proto add #9 ret a", 9, -1}, // of a datagram
		{"ld #ifidx ret #-1", 0, -1},      // which has no device
		{"ld #rand ret #5", 5, -1},
		{"ld [18] tax ldb [x + 24] ret a", 6, 0},        // -1 + 24 in 32 bits
		{"ldx #33 ld #4 lsh x ret a", 8, 0},             // by 1, by 33
		{strings.Repeat("tax ", 4095) + "ret #9", 9, 9}, // the longest there is
	}
	for _, tt := range tests {
		program, _, err := classic.Assemble(tt.text)
		if err != nil {
			t.Fatalf("%.40s: %v", tt.text, err)
		}
		s, err := machine.NewSocket(program)
		if err != nil {
			t.Errorf("%.40s: %v", tt.text, err)
			continue
		}
		defer s.Close()
		for range 2 { // nothing is left over from the first
			if n, err := s.Run(packet); n != tt.kernel || err != nil {
				t.Errorf("%.40s: the kernel keeps %d, want %d: %v", tt.text, n, tt.kernel, err)
			}
		}
		if n, err := s.Run(nil); n != 0 || err != nil {
			t.Errorf("%.40s: %d bytes of nothing: %v", tt.text, n, err)
		}
		vm, err := machine.NewVM(program)
		if (tt.vm < 0) != errors.Is(err, machine.ErrUnable) || tt.vm >= 0 && err != nil {
			t.Errorf("%.40s: %v", tt.text, err)
		}
		if vm == nil {
			continue
		}
		if n, err := vm.Run(packet); n != tt.vm || err != nil {
			t.Errorf("%.40s: x/net/bpf keeps %d, want %d: %v", tt.text, n, tt.vm, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"1,7 0 0 0":          "SO_ATTACH_FILTER: invalid argument",
		"2,52 0 0 0,6 0 0 0": "SO_ATTACH_FILTER: invalid argument",
	} {
		program, err := classic.ParseNumbers(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := machine.NewSocket(program); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
		if _, err := machine.NewVM(program); err == nil || errors.Is(err, machine.ErrUnable) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if _, err := machine.NewSocket(nil); err == nil {
		t.Error("a socket of no filter")
	}
	if _, err := machine.NewSocket(make([]classic.Instruction, 4097)); err == nil || !strings.Contains(err.Error(), "4097 instructions") {
		t.Error(err)
	}
}

// TestCheck holds classic.Check to what the kernel takes, of programs that are
// nearly right.
func TestCheck(t *testing.T) {
	g := rand.New(rand.NewPCG(3, 4))
	codes := []uint16{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0c, 0x0e, 0x15, 0x16, 0x1d, 0x20, 0x25, 0x28, 0x30, 0x34, 0x3c, 0x40, 0x45, 0x48, 0x50, 0x60, 0x61, 0x64, 0x6c, 0x74, 0x80, 0x81, 0x84, 0x87, 0x94, 0x9c, 0xa4, 0xb1, 0xff}
	ks := []uint32{0, 0, 1, 2, 3, 15, 16, 31, 32, 0xfffff000, 0xfffff028, 0xfffff03c, 0xfffff040, 0xfffff001, 1<<32 - 1}
	good, count := 0, 20000
	if bpftest.InGuest() {
		count = 1000
	}
	for range count {
		program := make([]classic.Instruction, 1+g.IntN(8))
		for at := range program {
			program[at] = classic.Instruction{Code: codes[g.IntN(len(codes))], JT: uint8(g.IntN(3)), JF: uint8(g.IntN(3)), K: ks[g.IntN(len(ks))]}
		}
		if g.IntN(8) > 0 {
			program[len(program)-1] = classic.Instruction{Code: classic.RET | classic.A}
		}
		checked := classic.Check(program)
		s, err := machine.NewSocket(program)
		if err == nil {
			s.Close()
			good++
		}
		if (checked == nil) != (err == nil) {
			t.Errorf("%s: we say %v, the kernel %v", classic.Format(program), checked, err)
		}
	}
	if good < count/10 {
		t.Errorf("%d of %d programs are good", good, count)
	}
}
