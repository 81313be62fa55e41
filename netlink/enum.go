package netlink

import (
	"fmt"
	"strconv"
	"strings"
)

type number interface {
	~uint8 | ~uint16 | ~uint32 | ~int32 | ~uint64
}

// A name is one row of the table of an enumeration's names. The first row of a
// value is how it is printed; later rows are only read.
type name[T number] struct {
	value T
	text  string
}

// find is the text of v in the table.
func find[T number](table []name[T], v T) (string, bool) {
	for _, n := range table {
		if n.value == v {
			return n.text, true
		}
	}
	return "", false
}

// nameOf is the text of v, or its number in base 10 if the table lacks it.
func nameOf[T number](table []name[T], v T) string {
	if text, ok := find(table, v); ok {
		return text
	}
	return strconv.FormatInt(int64(v), 10)
}

// parse is the inverse of nameOf, into v: a name, or a number of any base that Go
// writes. what names the enumeration in the error.
func parse[T number](v *T, table []name[T], what string, text []byte) error {
	words := make([]string, len(table))
	for i, n := range table {
		if words[i] = n.text; n.text == string(text) {
			*v = n.value
			return nil
		}
	}
	number, err := strconv.ParseInt(string(text), 0, 64)
	if err != nil || int64(T(number)) != number {
		return fmt.Errorf("unknown %s %q, expected %s or a number", what, text, strings.Join(words, ", "))
	}
	*v = T(number)
	return nil
}

// hexBits is v as iproute2 prints bits that it does not know.
func hexBits[T number](v T) string { return "0x" + strconv.FormatUint(uint64(v), 16) }

// namesOf are the names of the bits of v in the table's order, and the bits
// that it lacks as one hexadecimal number.
func namesOf[T number](table []name[T], v T) []string {
	names := []string{}
	for _, n := range table {
		if v&n.value != 0 {
			names = append(names, n.text)
			v &^= n.value
		}
	}
	if v != 0 {
		names = append(names, hexBits(v))
	}
	return names
}
