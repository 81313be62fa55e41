package elf

import "strconv"

// nameOf returns the name that a number has in a list, or the number.
func nameOf(n int, names ...string) string {
	if n >= 0 && n < len(names) {
		return names[n]
	}
	return strconv.Itoa(n)
}
