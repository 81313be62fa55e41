package netlink

import (
	"fmt"
	"strconv"
	"strings"
)

// A Handle names a qdisc or a class: 16 bits of major number, which is the
// qdisc's, and 16 bits of minor number, 0 for the qdisc itself (tc(8),
// "CLASSES").
type Handle uint32

// HandleRoot is the parent of a device's root qdisc.
const HandleRoot Handle = _TC_H_ROOT

// HandleClsact is the parent of a clsact or ingress qdisc.
const HandleClsact Handle = _TC_H_CLSACT

// MakeHandle joins the two halves.
func MakeHandle(major, minor uint16) Handle { return Handle(major)<<16 | Handle(minor) }

// String is the handle in tc's hexadecimal: "1:2", "1:" without minor, ":2"
// without major; "none" for 0 and "root" for [HandleRoot].
func (h Handle) String() string {
	major, minor := uint64(h>>16), uint64(h&0xffff)
	switch {
	case h == HandleRoot:
		return "root"
	case h == 0:
		return "none"
	case minor == 0:
		return strconv.FormatUint(major, 16) + ":"
	case major == 0:
		return ":" + strconv.FormatUint(minor, 16)
	}
	return strconv.FormatUint(major, 16) + ":" + strconv.FormatUint(minor, 16)
}

// MarshalText is [Handle.String].
func (h Handle) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what String writes, and as tc does a number without a
// colon as all 32 bits.
func (h *Handle) UnmarshalText(text []byte) error {
	s, bits := string(text), 16
	switch s {
	case "root":
		*h = HandleRoot
		return nil
	case "none":
		*h = 0
		return nil
	}
	major, minor, colon := strings.Cut(s, ":")
	if !colon {
		major, minor, bits = "", s, 32
	}
	hi, err := parseHex(major, 16)
	lo, lowErr := parseHex(minor, bits)
	if err != nil || lowErr != nil || strings.Trim(s, ":") == "" {
		return fmt.Errorf("%q is not a handle, expected MAJOR:MINOR in hexadecimal, such as ffff: or 1:2", s)
	}
	*h = Handle(hi<<16 | lo)
	return nil
}

// parseHex reads a number, with or without 0x; nothing is 0.
func parseHex(digits string, bits int) (uint64, error) {
	if digits == "" {
		return 0, nil
	}
	return strconv.ParseUint(strings.TrimPrefix(digits, "0x"), 16, bits)
}

// A Parent is what a filter or a chain is attached to on a device.
type Parent Handle

// The two hooks of a clsact qdisc; an ingress qdisc has the first only. (The
// kernel takes the second there too, and puts the filter on ingress.)
const (
	Ingress Parent = _TC_H_CLSACT&0xffff0000 | _TC_H_MIN_INGRESS
	Egress  Parent = _TC_H_CLSACT&0xffff0000 | _TC_H_MIN_EGRESS
)

// Root is the root qdisc by name; 0 is the root qdisc whatever its handle.
const Root Parent = _TC_H_ROOT

var parents = []name[Parent]{{Ingress, "ingress"}, {Egress, "egress"}}

// String is "ingress", "egress", or the text of the handle.
func (p Parent) String() string {
	if text, ok := find(parents, p); ok {
		return text
	}
	return Handle(p).String()
}

// MarshalText is [Parent.String].
func (p Parent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what String writes.
func (p *Parent) UnmarshalText(text []byte) error {
	for _, n := range parents {
		if n.text == string(text) {
			*p = n.value
			return nil
		}
	}
	return (*Handle)(p).UnmarshalText(text)
}
