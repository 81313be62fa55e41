package load

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// The size of a setting is the file's to say, and need not be that of its type.
func TestSettingSizes(t *testing.T) {
	number := &btf.Int{Name: "int", Size: 4}
	text := &btf.Array{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}, Nelems: 8}
	for _, c := range []struct {
		typ  btf.Type
		text string
		size int
	}{{number, "250", 0}, {number, "250", 3}, {number, "250", 16}, {text, `"y"`, 0}} {
		v := &ebpf.VariableSpec{Type: &btf.Var{Name: "CONFIG_HZ", Type: c.typ}, Value: make([]byte, c.size)}
		if err := encodeSetting(v, c.text); err == nil {
			t.Errorf("%s in %d bytes is %x", c.text, c.size, v.Value)
		}
	}
}
