// Package btfwire has the numbers of BTF as it is written (include/uapi/linux/btf.h
// and Documentation/bpf/btf.rst), and copies some of its types.
package btfwire

// Magic begins struct btf_header.
const Magic = 0xeb9f

// The bytes of what is fixed.
const (
	HeaderSize = 24 // struct btf_header; 32 if it says where the layout of kinds is, since Linux 7.3
	TypeSize   = 12 // struct btf_type: name, info, and a size or a type
)

// The parts of the info of struct btf_type: how many elements follow, the kind once it
// is shifted, and a flag above. Until Linux 7.3 they were 16 and 5 bits, with zeros between.
const (
	CountMask = 1<<24 - 1
	KindShift = 24
	KindMask  = 1<<7 - 1
)

// Kinds of types, BTF_KIND_*.
const (
	Int       = 1
	Pointer   = 2
	Array     = 3
	Struct    = 4
	Union     = 5
	Enum      = 6
	Forward   = 7
	Typedef   = 8
	Volatile  = 9
	Const     = 10
	Restrict  = 11
	Func      = 12
	FuncProto = 13
	Var       = 14
	Datasec   = 15
	Float     = 16
	DeclTag   = 17
	TypeTag   = 18
	Enum64    = 19

	Kinds = 20 // the first number that is none
)

// A Layout is what follows struct btf_type for a kind: bytes, and bytes for each
// element that its info counts.
type Layout struct{ Fixed, Each uint8 }

// Layouts are by kind. It is not to be changed.
var Layouts = [Kinds]Layout{
	Int:       {Fixed: 4},
	Array:     {Fixed: 12},
	Struct:    {Each: 12},
	Union:     {Each: 12},
	Enum:      {Each: 8},
	FuncProto: {Each: 8},
	Var:       {Fixed: 4},
	Datasec:   {Each: 12},
	DeclTag:   {Fixed: 4},
	Enum64:    {Each: 12},
}
