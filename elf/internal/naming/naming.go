// Package naming says what the names in an object mean, and shortens them for messages.
package naming

import (
	"fmt"
	"strings"
)

// Clip shortens a name from a file, so that a message stays one line.
func Clip(name string) string {
	const limit = 80
	if len(name) <= limit {
		return name
	}
	return name[:limit] + "…"
}

// Sprintf is [fmt.Sprintf] for messages: strings among the arguments are names from a
// file, and shortened.
func Sprintf(format string, args ...any) string {
	clipAll(args)
	return fmt.Sprintf(format, args...)
}

// Errorf is [fmt.Errorf] as [Sprintf] is [fmt.Sprintf].
func Errorf(format string, args ...any) error {
	clipAll(args)
	return fmt.Errorf(format, args...)
}

func clipAll(args []any) {
	for i, arg := range args {
		if name, ok := arg.(string); ok {
			args[i] = Clip(name)
		}
	}
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
