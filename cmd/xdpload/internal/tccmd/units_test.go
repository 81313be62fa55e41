package tccmd

import (
	"math"
	"testing"
)

// TestRate: rates are as tc(8) defines them, and what is printed is read as the same.
func TestRate(t *testing.T) {
	for word, want := range map[string]uint64{
		"8": 1, "8bit": 1, "1kbit": 125, "10mbit": 1_250_000, "10Mbit": 1_250_000, "1.5gbit": 187_500_000, "1tbit": 125_000_000_000,
		"1kibit": 128, "1mibit": 131_072, "1gibit": 1 << 27, "1tibit": 1 << 37,
		"1bps": 1, "1kbps": 1000, "2mbps": 2_000_000, "1gbps": 1_000_000_000, "1tbps": 1_000_000_000_000,
		"1kibps": 1 << 10, "1mibps": 1 << 20, "1gibps": 1 << 30, "1tibps": 1 << 40,
	} {
		var got uint64
		if err := rate(&got)(word); err != nil || got != want {
			t.Errorf("%s is %d bytes a second, want %d: %v", word, got, want, err)
		}
		var again uint64
		if err := rate(&again)(byteRate(got).String()); err != nil || again != got && byteRate(again).String() != byteRate(got).String() {
			t.Errorf("%s is printed as %s, which is %d: %v", word, byteRate(got).String(), again, err)
		}
	}
	for bytes, want := range map[uint64]string{
		0: "0bit", 1: "8bit", 124: "992bit", 125: "1Kbit", 126: "1008bit", 1_250_000: "10Mbit", 1_250_001: "10Mbit",
		187_500_000: "1500Mbit", 125_000_000_000_000: "1000Tbit",
	} {
		if got := byteRate(bytes).String(); got != want {
			t.Errorf("%d bytes a second are %s, want %s", bytes, got, want)
		}
	}
}

// TestSize: so are sizes.
func TestSize(t *testing.T) {
	for word, want := range map[string]uint32{
		"7": 7, "7b": 7, "10k": 10_240, "10kb": 10_240, "10KB": 10_240, "1m": 1 << 20, "1mb": 1 << 20, "3g": 3 << 30, "1gb": 1 << 30,
		"8kbit": 1024, "8mbit": 1 << 20, "8gbit": 1 << 30, "1.5k": 1536,
	} {
		var got, again uint32
		if err := size(&got)(word); err != nil || got != want {
			t.Errorf("%s is %d bytes, want %d: %v", word, got, want, err)
		}
		if err := size(&again)(byteSize(got).String()); err != nil || again != got {
			t.Errorf("%s is printed as %s, which is %d: %v", word, byteSize(got).String(), again, err)
		}
	}
	for bytes, want := range map[uint64]string{
		0: "0b", 1023: "1023b", 1024: "1Kb", 1500: "1500b", 2047: "2Kb", 2032: "2032b", 2033: "2Kb", 10_255: "10Kb", 10_256: "10256b",
		1 << 20: "1Mb", 1<<20 - 1: "1024Kb", 1<<20 + 1023: "1Mb", 1<<20 + 1024: "1025Kb", 3<<30 - 1: "3Gb",
	} {
		if got := byteSize(bytes).String(); got != want {
			t.Errorf("%d bytes are %s, want %s", bytes, got, want)
		}
	}
}

// TestQuantityErrors: nothing is taken for a smaller number than it is.
func TestQuantityErrors(t *testing.T) {
	var short uint16
	for _, tt := range []struct{ word, want string }{
		{"", "expected a number and a unit, such as 10mb"},
		{"k", "expected a number and a unit, such as 10mb"},
		{"-1k", "expected a number and a unit, such as 10mb"},
		{"1 k", "expected a number and a unit, such as 10mb"},
		{"1kbps", `unknown unit "kbps"`},
		{"64k", "more than 65535 bytes"},
		{"1e9", "more than 65535 bytes"},
		{"9999999999g", "more than 65535 bytes"},
	} {
		if err := size(&short)(tt.word); err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.word, err, tt.want)
		}
	}
	if err := size(&short)("65535"); err != nil || short != math.MaxUint16 {
		t.Errorf("the largest is %d: %v", short, err)
	}
	var long uint64
	if err := rate(&long)("99999999tibps"); err == nil {
		t.Errorf("a rate of %d", long)
	}
}
