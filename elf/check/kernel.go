package check

import (
	"fmt"
	"strconv"
	"strings"
)

// Kernel is a version of Linux, as "5.10". The zero value is any kernel that
// has bpf(2).
type Kernel struct{ Major, Minor int }

// Before reports whether k is older than other.
func (k Kernel) Before(other Kernel) bool {
	return k.Major < other.Major || k.Major == other.Major && k.Minor < other.Minor
}

// String returns the version, such as "5.10".
func (k Kernel) String() string { return fmt.Sprintf("%d.%d", k.Major, k.Minor) }

// MarshalText returns what String does.
func (k Kernel) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a version: "5.10", and "6.1.0-30-amd64" as uname -r has it.
func (k *Kernel) UnmarshalText(text []byte) error {
	release := string(text)
	major, rest, ok := strings.Cut(release, ".")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	a, err := strconv.ParseUint(major, 10, 16)
	b, err2 := strconv.ParseUint(rest[:end], 10, 16)
	if !ok || err != nil || err2 != nil {
		return fmt.Errorf("%q is not a version of Linux such as 5.10", release)
	}
	*k = Kernel{int(a), int(b)}
	return nil
}
