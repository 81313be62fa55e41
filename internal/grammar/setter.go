package grammar

import (
	"encoding"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// String returns a setter that stores the word in *p.
func String(p *string) func(string) error {
	return func(s string) error { *p = s; return nil }
}

// Append returns a setter that appends the word to *p.
func Append(p *[]string) func(string) error {
	return func(s string) error { *p = append(*p, s); return nil }
}

// Text returns a setter that has u parse the word.
func Text(u encoding.TextUnmarshaler) func(string) error {
	return func(s string) error { return u.UnmarshalText([]byte(s)) }
}

// TextPointer is [Text] for a field where nil means that no word was given.
func TextPointer[T any, U interface {
	*T
	encoding.TextUnmarshaler
}](p **T) func(string) error {
	return func(s string) error {
		*p = new(T)
		return U(*p).UnmarshalText([]byte(s))
	}
}

// Convert returns a setter that stores what parse makes of the word in *p.
func Convert[T any](p *T, parse func(string) (T, error)) func(string) error {
	return func(s string) error {
		v, err := parse(s)
		if err == nil {
			*p = v
		}
		return err
	}
}

// Integer is any type that [Number] can fill.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Number returns a setter for a number from lo to hi, in decimal, or with a
// prefix in hexadecimal (0x) or octal (0), as C's strtoul reads base 0.
func Number[T Integer](p *T, lo, hi T) func(string) error {
	return Convert(p, func(s string) (T, error) { return ParseNumber(s, lo, hi) })
}

// Pointer is [Number] for a field where nil means that no word was given.
func Pointer[T Integer](p **T, lo, hi T) func(string) error {
	return func(s string) error {
		v, err := ParseNumber(s, lo, hi)
		if err == nil {
			*p = &v
		}
		return err
	}
}

// Seconds returns a setter for a time in seconds, which may be a fraction: from a millisecond
// to some days.
func Seconds(p *time.Duration) func(string) error {
	const most = 1e6
	return Convert(p, func(s string) (time.Duration, error) {
		v, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil || strings.Trim(s, "0123456789.") != "":
			return 0, errors.New("not a number of seconds")
		case v < 0.001 || v > most:
			return 0, fmt.Errorf("not in 0.001..%.0f", most)
		}
		return time.Duration(v * float64(time.Second)), nil
	})
}

// ParseNumber reads s as [Number] does.
func ParseNumber[T Integer](s string, lo, hi T) (T, error) {
	digits, negative := strings.CutPrefix(s, "-")
	u, err := strconv.ParseUint(digits, 0, 64)
	if errors.Is(err, strconv.ErrSyntax) || strings.Contains(s, "_") {
		return 0, errors.New("not a number")
	}
	v := T(u)
	fits := err == nil && v >= 0 && uint64(v) == u && (!negative || lo < 0)
	if negative {
		v = -v
	}
	if !fits || v < lo || v > hi {
		return 0, fmt.Errorf("not in %d..%d", lo, hi)
	}
	return v, nil
}
