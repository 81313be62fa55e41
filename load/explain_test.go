package load_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
)

// assembled is an object with one XDP program.
func assembled(t *testing.T, code, rest string) *elf.Object {
	t.Helper()
	image, err := listing.Assemble(strings.NewReader(".section xdp progbits ax 8\n.function f\n" + code + "\texit\n" + rest))
	if err != nil {
		t.Fatal(err)
	}
	obj, err := elf.Read(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

// TestRefusals: what the verifier says is told, with what the object knows about it, by a
// load and by a verification.
func TestRefusals(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	core, err := elf.Open(testobj.Path(t, "core_kinds.o"))
	if err != nil {
		t.Fatal(err)
	}
	const print = "\tr1 = r10\n\tr1 += -8\n\t*(u64 *)(r1 +0) = 0\n\tr2 = 4\n\tcall bpf_trace_printk\n\tr0 = 2\n"
	const license = ".section license progbits wa 1\n\t.byte 4d 49 54 00\n"
	jumps := "\tr0 = *(u32 *)(r1 +12)\n" + strings.Repeat("\tif r0 == 7 goto end\n", 8200) + "end:\n"
	for _, tt := range []struct {
		name, program string
		obj           *elf.Object
		want          string
	}{
		{"jumps", "f", assembled(t, jumps, ""), "The sequence of 8193 jumps is too complex."},
		{"no license", "f", assembled(t, print, ""), `; the object states no license: it has no char _license[] SEC("license") = "GPL"`},
		{"license", "f", assembled(t, print, license), `; the object's license is "MIT"`},
		{"field", "core_missing", core, "CO-RE: the kernel's types have no field no_such_struct.member"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load.Load(t.Context(), tt.obj, load.Options{Select: elf.Selector{Program: tt.program, Type: ebpf.XDP}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("load: %v, want %q", err, tt.want)
			}
			results, err := load.Verify(t.Context(), tt.obj, load.VerifyOptions{Select: elf.Selector{Program: tt.program}})
			if err != nil || len(results) != 1 || !strings.Contains(results[0].Cause, tt.want) {
				t.Errorf("verify: %+v, %v, want %q", results, err, tt.want)
			}
		})
	}
}
