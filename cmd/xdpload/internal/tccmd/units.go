package tccmd

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A unit is a suffix of a number, in any case, and what it multiplies by.
type unit struct {
	suffix string
	factor float64
}

// rateUnits make bytes per second (tc(8), "RATES"). A number alone is of bits.
var rateUnits = []unit{
	{"", 1. / 8},
	{"bit", 1. / 8},
	{"kbit", 1e3 / 8},
	{"mbit", 1e6 / 8},
	{"gbit", 1e9 / 8},
	{"tbit", 1e12 / 8},
	{"kibit", 1 << 10 / 8},
	{"mibit", 1 << 20 / 8},
	{"gibit", 1 << 30 / 8},
	{"tibit", 1 << 40 / 8},
	{"bps", 1},
	{"kbps", 1e3},
	{"mbps", 1e6},
	{"gbps", 1e9},
	{"tbps", 1e12},
	{"kibps", 1 << 10},
	{"mibps", 1 << 20},
	{"gibps", 1 << 30},
	{"tibps", 1 << 40},
}

// sizeUnits make bytes (tc(8), "SIZES"). A number alone is of bytes.
var sizeUnits = []unit{
	{"", 1},
	{"b", 1},
	{"k", 1 << 10},
	{"kb", 1 << 10},
	{"m", 1 << 20},
	{"mb", 1 << 20},
	{"g", 1 << 30},
	{"gb", 1 << 30},
	{"kbit", 1 << 10 / 8},
	{"mbit", 1 << 20 / 8},
	{"gbit", 1 << 30 / 8},
}

// quantity reads a number with a unit, up to limit.
func quantity(word string, units []unit, limit float64) (float64, error) {
	digits := strings.TrimRight(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, errors.New("expected a number and a unit, such as " + "10" + units[len(units)/2].suffix)
	}
	for _, u := range units {
		if strings.EqualFold(u.suffix, word[len(digits):]) {
			if v *= u.factor; v > limit {
				return 0, fmt.Errorf("more than %.0f bytes", limit)
			}
			return v, nil
		}
	}
	return 0, fmt.Errorf("unknown unit %q", word[len(digits):])
}

// rate returns a setter for bytes per second.
func rate[T uint32 | uint64](p *T) func(string) error {
	return measure(p, rateUnits, min(float64(^T(0)), math.MaxInt64))
}

// size returns a setter for bytes.
func size[T uint16 | uint32](p *T) func(string) error {
	return measure(p, sizeUnits, float64(^T(0)))
}

func measure[T uint16 | uint32 | uint64](p *T, units []unit, limit float64) func(string) error {
	return func(word string) error {
		v, err := quantity(word, units, limit)
		*p = T(v)
		return err
	}
}

// byteRate is a rate in bytes per second.
type byteRate uint64

// String is in bits per second, as tc prints it: with the largest unit of a thousand
// that loses nothing, or that leaves four digits.
func (r byteRate) String() string {
	bits, units := 8*uint64(r), []string{"bit", "Kbit", "Mbit", "Gbit", "Tbit"}
	for len(units) > 1 && bits >= 1000 && (bits%1000 == 0 || bits >= 1000*1000) {
		bits, units = bits/1000, units[1:]
	}
	return strconv.FormatUint(bits, 10) + units[0]
}

// byteSize is a number of bytes.
type byteSize uint64

// String is as tc prints it: in the largest unit of which it is nearly a multiple, for
// the kernel keeps a burst as the time that it takes, and rounds.
func (n byteSize) String() string {
	for _, u := range []struct {
		suffix     string
		unit, near byteSize
	}{{"Gb", 1 << 30, 1 << 10}, {"Mb", 1 << 20, 1 << 10}, {"Kb", 1 << 10, 16}} {
		count := (n + u.unit/2) / u.unit
		if off := int64(n - count*u.unit); n >= u.unit && max(off, -off) < int64(u.near) {
			return fmt.Sprintf("%d%s", uint64(count), u.suffix)
		}
	}
	return fmt.Sprintf("%db", uint64(n))
}
