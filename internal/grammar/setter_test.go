package grammar

import (
	"errors"
	"math"
	"strconv"
	"testing"
	"time"
)

func TestParseNumber(t *testing.T) {
	tests := []struct {
		word   string
		lo, hi int64
		want   int64
		err    string
	}{
		{"0", 0, 9, 0, ""},
		{"0x10", 0, 99, 16, ""},
		{"010", 0, 99, 8, ""},
		{"-1", -1, 9, -1, ""},
		{"9223372036854775807", 0, math.MaxInt64, math.MaxInt64, ""},
		{"-1", 0, 9, 0, "not in 0..9"},
		{"10", 0, 9, 0, "not in 0..9"},
		{"18446744073709551615", -5, 9, 0, "not in -5..9"},
		{"99999999999999999999", 0, 9, 0, "not in 0..9"},
		{"", 0, 9, 0, "not a number"},
		{"-", 0, 9, 0, "not a number"},
		{"--1", -9, 9, 0, "not a number"},
		{"x10", 0, 9, 0, "not a number"},
		{"1_0", 0, 99, 0, "not a number"},
	}
	for _, tt := range tests {
		t.Run(tt.word, func(t *testing.T) {
			got, err := ParseNumber(tt.word, tt.lo, tt.hi)
			msg := ""
			if err != nil {
				msg = err.Error()
			}
			if got != tt.want || msg != tt.err {
				t.Errorf("got %d, %q", got, msg)
			}
		})
	}
	if v, err := ParseNumber[uint8]("256", 0, 255); err == nil {
		t.Errorf("256 became the byte %d", v)
	}
	if v, err := ParseNumber[uint64]("0xffffffffffffffff", 0, math.MaxUint64); err != nil || v != math.MaxUint64 {
		t.Errorf("got %d, %v", v, err)
	}
}

func TestSettersLeaveTheFieldOnError(t *testing.T) {
	when, n, p := time.Unix(1, 0).UTC(), uint8(3), (*uint8)(nil)
	isOn := true
	for name, set := range map[string]func(string) error{
		"Text": Text(&when), "Number": Number(&n, 0, 9), "Pointer": Pointer(&p, 0, 9), "Convert": Convert(&isOn, strconv.ParseBool),
	} {
		if set("?") == nil {
			t.Errorf("%s takes ?", name)
		}
	}
	if n != 3 || p != nil || !isOn {
		t.Errorf("got %d, %v, %t", n, p, isOn)
	}
	if err := errors.Join(Text(&when)("2000-01-02T03:04:05Z"), Number(&n, 0, 9)("4"), Pointer(&p, 0, 9)("5"), Convert(&isOn, strconv.ParseBool)("false")); err != nil {
		t.Fatal(err)
	}
	if when.Year() != 2000 || n != 4 || p == nil || *p != 5 || isOn {
		t.Errorf("got %v, %d, %v, %t", when, n, p, isOn)
	}
}

func TestSeconds(t *testing.T) {
	for word, want := range map[string]time.Duration{
		"1": time.Second, "0.25": 250 * time.Millisecond, ".5": 500 * time.Millisecond, "1000000": 1e6 * time.Second,
		"0": 0, "0.0001": 0, "1000001": 0, "-1": 0, "1e3": 0, "5s": 0, "": 0, "inf": 0, "0x10": 0, "1.2.3": 0, "1_0": 0,
	} {
		var got time.Duration
		if err := Seconds(&got)(word); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q is %v, %v, want %v", word, got, err, want)
		}
	}
}
