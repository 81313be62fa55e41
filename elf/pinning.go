package elf

import (
	"fmt"
	"math"
	"strconv"
)

// Pinning says where a map is to be pinned. Numbers from 3 are names of their
// own, which iproute2's bpf_pinning file maps to directories.
type Pinning uint32

// The pinnings that have a meaning of their own.
const (
	PinNone   Pinning = 0              // not at all
	PinObject Pinning = 1              // PIN_OBJECT_NS: in a directory named by the object's SHA-1
	PinGlobal Pinning = 2              // PIN_GLOBAL_NS: in the directory that all objects share
	PinByName Pinning = math.MaxUint32 // LIBBPF_PIN_BY_NAME of a BTF map
)

// Custom reports whether the pinning is a number for bpf_pinning.
func (p Pinning) Custom() bool { return p > PinGlobal && p != PinByName }

// String returns "none", "object", "global", "name", or the number of a custom pinning.
func (p Pinning) String() string {
	switch p {
	case PinNone:
		return "none"
	case PinObject:
		return "object"
	case PinGlobal:
		return "global"
	case PinByName:
		return "name"
	}
	return strconv.FormatUint(uint64(p), 10)
}

// MarshalText returns what String does.
func (p Pinning) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText writes, and numbers in any base that C has.
func (p *Pinning) UnmarshalText(text []byte) error {
	for _, known := range []Pinning{PinNone, PinObject, PinGlobal, PinByName} {
		if known.String() == string(text) {
			*p = known
			return nil
		}
	}
	n, err := strconv.ParseUint(string(text), 0, 32)
	if err != nil {
		return fmt.Errorf("pinning %q: %w", text, err)
	}
	*p = Pinning(n)
	return nil
}
