package load

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestHeldByItself: a structure that has itself as a member, which no compiler writes,
// is looked at once.
func TestHeldByItself(t *testing.T) {
	s := &btf.Struct{Name: "s", Size: 8}
	s.Members = []btf.Member{{Name: "a", Type: s}, {Name: "b", Type: &btf.Array{Type: s, Nelems: 2}}}
	if held := heldBy(nil, s); held != nil {
		t.Errorf("it holds %v", held)
	}
}
