package elf

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestTypeName(t *testing.T) {
	char := &btf.Int{Name: "char", Size: 1}
	tests := []struct {
		typ  btf.Type
		want string
	}{
		{nil, "unknown"},
		{&btf.Void{}, "void"},
		{char, "char"},
		{&btf.Pointer{Target: &btf.Pointer{Target: &btf.Const{Type: char}}}, "const char **"},
		{&btf.Array{Nelems: 2, Type: &btf.Array{Nelems: 3, Type: char}}, "char[2][3]"},
		{&btf.Struct{}, "struct"},
		{&btf.Union{Name: "u"}, "union u"},
		{&btf.Typedef{Name: "__u32", Type: char}, "__u32"},
		{&btf.Volatile{Type: &btf.Restrict{Type: &btf.TypeTag{Value: "rcu", Type: char}}}, "volatile char"},
		{&btf.Pointer{Target: &btf.FuncProto{Return: char}}, "function *"},
	}
	for _, tt := range tests {
		if got := TypeName(tt.typ); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.typ, got, tt.want)
		}
	}
	loop := &btf.Pointer{}
	loop.Target = loop
	if got := TypeName(loop); len(got) > 100 {
		t.Errorf("a type that is its own target has a name of %d bytes", len(got))
	}
}
