package load_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

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
	open := func(name string) *elf.Object {
		obj, err := elf.Open(testobj.Path(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return obj
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
		{"field", "core_missing", open("core_kinds.o"), "CO-RE: the kernel's types have no field no_such_struct.member"},
		{"value", "core_value", open("core_kinds.o"), "CO-RE: the kernel's types have no value NO_SUCH_VALUE of enum no_such_enum"},
		{"weak function", "wants_weak", open("kernel_absent.o"), "function absent_weak of the kernel: neither this kernel nor a module that is loaded has it, and the program calls it"},
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

// TestRefusedAtLength: a log that is longer than the room for it is no reason.
func TestRefusedAtLength(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	branches := "\tr1 = *(u32 *)(r1 +16)\n\tr0 = 0\n\tr2 = 0\nagain:\n\tr3 = r1\n\tr3 >>= r2\n\tr3 &= 1\n" +
		strings.Repeat("\tr4 = r2\n", 20) + "\tif r3 == 0 goto even\n\tr0 += 1\neven:\n\tr2 += 1\n\tif r2 != 100000 goto again\n"
	_, err := load.Load(t.Context(), assembled(t, branches, ""), load.Options{Select: elf.Selector{Program: "f", Type: ebpf.XDP}})
	tooMuch := errors.Is(err, unix.EFAULT) || err != nil && strings.Contains(err.Error(), "jumps is too complex") // of whatever number since 7.0
	if !tooMuch || errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
}

// TestTypesRefused: types that the kernel does not take end no load that does without, which is
// told; what the verifier then says is the verifier's.
func TestTypesRefused(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	obj, err := elf.Open(testobj.Path(t, "types_refused.o"))
	if err != nil {
		t.Fatal(err)
	}
	for _, verbose := range []bool{false, true} {
		l, err := load.Load(t.Context(), obj, load.Options{Select: elf.Selector{Section: "xdp", Type: ebpf.XDP}, Verbose: verbose})
		if err != nil {
			t.Fatal(err)
		}
		const want = " ENUM later size=0 vlen=0 Unexpected size; it is loaded without them"
		if len(l.Warnings) != 1 || !strings.HasPrefix(l.Warnings[0], "the kernel refuses the object's types: [") || !strings.HasSuffix(l.Warnings[0], want) {
			t.Errorf("warnings %q", l.Warnings)
		}
		for _, m := range l.Maps {
			b, err := m.LookupBytes(uint32(0))
			if m.Name == ".bss" && (err != nil || len(b) != 16) {
				t.Errorf("%s: %x, %v", m.Name, b, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err = load.Load(t.Context(), obj, load.Options{Select: elf.Selector{Program: "types_rejected", Type: ebpf.XDP}})
	const rejected = "program types_rejected: rejected by the verifier (permission denied): "
	if err == nil || !strings.HasPrefix(err.Error(), rejected) || !outside.MatchString(err.Error()) {
		t.Errorf("error %v", err)
	}
	results, err := load.Verify(t.Context(), obj, load.VerifyOptions{})
	if err != nil || len(results) != 2 || results[0].Err != nil || !outside.MatchString(results[1].Cause) {
		t.Errorf("verified: %+v, %v", results, err)
	}
}
