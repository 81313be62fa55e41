package btfjson

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Parse reads the JSON value at the start of text into value, which has as many
// bytes as the type, and returns the text after it. Without an error every
// byte of value is set.
func (c *Codec) Parse(value, text []byte) (rest []byte, err error) {
	clear(value[:c.size])
	return c.Update(value, text)
}

// Update is as [Codec.Parse], but that what the text leaves out of objects and arrays
// stays as it is.
func (c *Codec) Update(value, text []byte) (rest []byte, err error) {
	text = space(text)
	if len(text) == 0 {
		return nil, errEnd
	}
	switch c.kind {
	case kindUint, kindInt:
		if number(text[0]) && c.values == nil {
			return c.parseNumber(value, text)
		}
	case kindStruct:
		if text[0] == '{' {
			return c.parseStruct(value, text)
		}
	case kindArray, kindText:
		if text[0] == '[' {
			return c.parseArray(value, text)
		}
	default:
	}
	word, rest, err := token(text)
	if err != nil {
		return nil, err
	}
	return rest, c.Set(value, word)
}

// Set reads one word, such as a field of CSV: a number, a name, an address,
// the text of an array of char, or "0x" with all bytes of an array or structure.
func (c *Codec) Set(value []byte, word string) error {
	switch c.kind {
	case kindText:
		if len(word) > c.size {
			return fmt.Errorf("%s has %d bytes, %d fit", Quote(word), len(word), c.size)
		}
		clear(value[copy(value, word):c.size])
		return nil
	case kindArray, kindStruct, kindRaw:
		return c.setBytes(value, word)
	default:
	}
	raw, err := c.scalar(word)
	if err != nil {
		return err
	}
	c.store(value, raw)
	return nil
}

func (c *Codec) setBytes(value []byte, word string) error {
	if digits, ok := strings.CutPrefix(word, "0x"); ok {
		b, err := hex.DecodeString(digits)
		if err != nil || len(b) != c.size {
			return fmt.Errorf("%s is not \"0x\" and %d hexadecimal digits", Quote(word), 2*c.size)
		}
		copy(value, b)
		return nil
	}
	switch {
	case c.prefix:
		return setPrefix(value[:c.size], word)
	case (c.address || c.kind == kindRaw || c.kind == kindArray && c.elem.size == 1) && setAddress(value[:c.size], word):
		return nil
	}
	switch c.kind {
	case kindStruct:
		return fmt.Errorf("%s where an object is expected", Quote(word))
	case kindArray:
		return fmt.Errorf("%s where an array of %d is expected", Quote(word), c.n)
	default:
		return fmt.Errorf("%s is not \"0x\" and %d hexadecimal digits: the type is not known", Quote(word), 2*c.size)
	}
}

// scalar reads a number or a name into the bits of the type.
func (c *Codec) scalar(word string) (uint64, error) {
	for _, v := range c.values {
		if v.name == word {
			return v.value, nil
		}
	}
	switch c.kind {
	case kindBool:
		if strings.HasPrefix(word, "0x") {
			break
		}
		switch word {
		case "true", "1":
			return 1, nil
		case "false", "0":
			return 0, nil
		}
		return 0, fmt.Errorf("%s is neither true nor false", Quote(word))
	case kindFloat:
		if strings.HasPrefix(word, "0x") && !strings.ContainsAny(word, "pP") {
			break
		}
		f, err := strconv.ParseFloat(word, 8*c.size)
		if c.size == 4 {
			return uint64(math.Float32bits(float32(f))), bad(word, err)
		}
		return math.Float64bits(f), bad(word, err)
	case kindInt:
		n, err := strconv.ParseInt(word, 0, 8*c.size)
		return uint64(n), bad(word, err)
	case kindUint:
		if n, ok, err := c.word(word); ok || err != nil {
			return n, err
		}
	default:
	}
	n, err := strconv.ParseUint(word, 0, min(8*c.size, 64))
	if err != nil && c.values != nil {
		return 0, fmt.Errorf("%s is neither a name of the enumeration nor a number", Quote(word))
	}
	return n, bad(word, err)
}

func bad(word string, err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s does not fit the type", clip(word))
	}
	if err != nil {
		return fmt.Errorf("%s is not a number", Quote(word))
	}
	return nil
}

func (c *Codec) parseNumber(value, text []byte) ([]byte, error) {
	n, i, negative := uint64(0), 0, text[0] == '-'
	if negative {
		i = 1
	}
	start := i
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		n = n*10 + uint64(text[i]-'0')
	}
	// Nineteen digits cannot overflow; more, other bases and a fraction are for strconv.
	octal := i-start > 1 && text[start] == '0'
	if i == start || octal || i-start > 19 || i < len(text) && !ends(text[i]) || !c.fits(n, negative) {
		word, rest, err := token(text)
		if err != nil {
			return nil, err
		}
		return rest, c.Set(value, word)
	}
	if negative {
		n = -n
	}
	c.store(value, n)
	return text[i:], nil
}

// fits says whether the type can hold a number.
func (c *Codec) fits(n uint64, negative bool) bool {
	top := uint64(1)<<(8*c.size-1) - 1 // of a signed type
	switch {
	case negative:
		return c.kind == kindInt && n <= top+1
	case c.kind == kindInt:
		return n <= top
	}
	return n <= top<<1|1
}

func (c *Codec) parseStruct(value, text []byte) ([]byte, error) {
	next := 0
	return Object(text, func(name, text []byte) ([]byte, error) {
		if string(name) == padding {
			return c.setPadding(value, text)
		}
		f, at := c.field(name, next)
		if f == nil {
			return nil, c.noMember(name)
		}
		rest, err := f.parse(value, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		next = at + 1
		return rest, nil
	})
}

// field finds a member, most often the one that comes next.
func (c *Codec) field(name []byte, next int) (*field, int) {
	for i := range c.fields {
		at := (next + i) % len(c.fields)
		if c.fields[at].name == string(name) {
			return &c.fields[at], at
		}
	}
	return nil, 0
}

func (f *field) parse(value, text []byte) ([]byte, error) {
	if f.bits == 0 {
		return f.codec.Update(value[f.offset:], text)
	}
	word, rest, err := token(space(text))
	if err != nil {
		return nil, err
	}
	return rest, f.set(value, word)
}

func (f *field) set(value []byte, word string) error {
	raw, err := f.codec.scalar(word)
	if err != nil {
		return err
	}
	high := raw >> f.bits
	if f.codec.kind == kindInt && int64(raw) < 0 {
		high = ^uint64(int64(raw) >> (f.bits - 1))
	}
	if high != 0 {
		return fmt.Errorf("%s does not fit %d bits", clip(word), f.bits)
	}
	f.store(value, raw)
	return nil
}

func (c *Codec) parseArray(value, text []byte) ([]byte, error) {
	i := 0
	return Array(text, func(text []byte) ([]byte, error) {
		if i == c.n {
			return nil, fmt.Errorf("more than %d elements", c.n)
		}
		rest, err := c.elem.Update(value[i*c.elem.size:], text)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		i++
		return rest, nil
	})
}
