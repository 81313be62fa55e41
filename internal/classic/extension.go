package classic

import (
	"fmt"
	"strings"
)

// An Extension is what a load at a certain negative offset stands for: a field
// of the kernel's packet, or something that the kernel works out (SKF_AD_ of
// linux/filter.h).
type Extension uint32

// The extensions of the kernel.
const (
	Protocol       Extension = 0
	PacketType     Extension = 4
	Ifindex        Extension = 8
	NetlinkAttr    Extension = 12 // of type X, at offset A
	NetlinkNested  Extension = 16
	Mark           Extension = 20
	Queue          Extension = 24
	HardwareType   Extension = 28
	ReceiveHash    Extension = 32
	CPU            Extension = 36
	XorX           Extension = 40 // A ^= X, older than the instruction
	VLANTag        Extension = 44
	VLANTagPresent Extension = 48
	PayloadOffset  Extension = 52
	Random         Extension = 56
	VLANProtocol   Extension = 60

	extensions = 0xfffff000 // SKF_AD_OFF
)

// extensionNames are in the order of the kernel's documentation; the first name
// of several is written.
var extensionNames = [...]struct {
	e     Extension
	names string
}{
	{Protocol, "proto protocol"},
	{PacketType, "type pkttype"},
	{PayloadOffset, "poff"},
	{Ifindex, "ifidx ifindex"},
	{NetlinkAttr, "nla"},
	{NetlinkNested, "nlan"},
	{Mark, "mark"},
	{Queue, "queue"},
	{HardwareType, "hatype"},
	{ReceiveHash, "rxhash"},
	{CPU, "cpu"},
	{VLANTag, "vlan_tci vlant"},
	{VLANTagPresent, "vlan_avail vlan_pr vlanp"},
	{VLANProtocol, "vlan_tpid"},
	{Random, "rand prandom"},
}

// String returns the extension's name, and for one without a name its offset.
func (e Extension) String() string {
	for _, n := range extensionNames {
		if n.e == e {
			name, _, _ := strings.Cut(n.names, " ")
			return name
		}
	}
	return fmt.Sprintf("[%d]", int32(uint32(e)+extensions))
}

// named reports whether the assembler has a word for it.
func (e Extension) named() bool { return !strings.HasPrefix(e.String(), "[") }

// extensionNamed finds an extension by any of its names.
func extensionNamed(word string) (Extension, bool) {
	for _, n := range extensionNames {
		for name := range strings.FieldsSeq(n.names) {
			if strings.EqualFold(name, word) {
				return n.e, true
			}
		}
	}
	return 0, false
}
