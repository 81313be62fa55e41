package elf

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf/internal/naming"
)

// TypeName returns a BTF type as C writes it: "__u32", "struct config",
// "char[16]", "const volatile enum mode". A nil type is "unknown".
func TypeName(t btf.Type) string {
	return naming.Clip(typeName(t, 0))
}

func typeName(t btf.Type, depth int) string {
	if depth > 16 {
		return "…"
	}
	inner := func(t btf.Type) string { return typeName(t, depth+1) }
	switch t := t.(type) {
	case nil:
		return "unknown"
	case *btf.Void:
		return "void"
	case *btf.Const:
		return "const " + inner(t.Type)
	case *btf.Volatile:
		return "volatile " + inner(t.Type)
	case *btf.Restrict:
		return inner(t.Type)
	case *btf.TypeTag:
		return inner(t.Type)
	case *btf.Pointer:
		target := inner(t.Target)
		if strings.HasSuffix(target, "*") {
			return target + "*"
		}
		return target + " *"
	case *btf.Array:
		return arrayName(t, depth)
	case *btf.Struct:
		return tagged("struct", t.Name)
	case *btf.Union:
		return tagged("union", t.Name)
	case *btf.Enum:
		return tagged("enum", t.Name)
	case *btf.FuncProto:
		return "function"
	}
	return t.TypeName()
}

// arrayName puts the outer dimension of an array of arrays first, as C does.
func arrayName(t *btf.Array, depth int) string {
	name := typeName(t.Type, depth+1)
	dim := fmt.Sprintf("[%d]", t.Nelems)
	if i := strings.IndexByte(name, '['); i >= 0 {
		return name[:i] + dim + name[i:]
	}
	return name + dim
}

func tagged(keyword, name string) string {
	if name == "" {
		return keyword
	}
	return keyword + " " + name
}
