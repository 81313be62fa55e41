// Package naming says what the names in an object mean, and shortens them for messages.
package naming

// Clip shortens a name from a file, so that a message stays one line.
func Clip(name string) string {
	const limit = 80
	if len(name) <= limit {
		return name
	}
	return name[:limit] + "…"
}
