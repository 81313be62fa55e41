package kerneltypes

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

// BenchmarkNamed reads what a program of one relocation needs.
func BenchmarkNamed(b *testing.B) {
	for b.Loop() {
		if _, err := Named([]string{"task_struct"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAll is what cilium/ebpf does for it.
func BenchmarkAll(b *testing.B) {
	for b.Loop() {
		spec, err := btf.LoadKernelSpec()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := spec.AnyTypesByName("task_struct"); err != nil {
			b.Fatal(err)
		}
	}
}
