package machine_test

import (
	"errors"
	"strings"
	"testing"

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
		{strings.Repeat("tax ", 1000) + "ret #9", 9, 9}, // before Linux 6.9 sockets take 2560 at most
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

// What no socket takes is told with its length, and the next packet goes through.
func TestSocketLongPacket(t *testing.T) {
	s, err := machine.NewSocket([]classic.Instruction{{Code: classic.RET | classic.K, K: 7}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Run(make([]byte, 64<<20)); err == nil || !strings.Contains(err.Error(), "a packet of 67108864 bytes: ") {
		t.Errorf("a packet of 64 MB: %v", err)
	}
	if n, err := s.Run(make([]byte, 60)); n != 7 || err != nil {
		t.Errorf("the next packet: %d bytes, %v", n, err)
	}
}
