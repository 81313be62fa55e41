// Package naming says what the names in an object mean, and shortens them for messages.
package naming

import "strings"

// Clip shortens a name from a file, so that a message stays one line.
func Clip(name string) string {
	const limit = 80
	if len(name) <= limit {
		return name
	}
	return name[:limit] + "…"
}

// OneLine makes a blank of each control character.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
