package bpftest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"

	"github.com/xdpload/xdpload/internal/sys"
)

// What programs and maps of the fixtures ask of a kernel.
var (
	// Frags is XDP programs that take packets of several buffers.
	Frags = Feature{Name: "XDP with frags", Since: "5.18", Probe: func() error {
		p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
			Type: ebpf.XDP, Flags: 1 << 5, License: "MIT", // BPF_F_XDP_HAS_FRAGS
			Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()},
		})
		if err != nil {
			return err
		}
		return p.Close()
	}}
	// Callbacks is functions that the kernel calls back.
	Callbacks = Feature{Name: "bpf_loop", Since: "5.17", Probe: func() error {
		return features.HaveProgramHelper(ebpf.XDP, asm.FnLoop)
	}}
	// Tags is declaration tags in the types that the kernel is given.
	Tags = Feature{Name: "declaration tags", Since: "5.16", Probe: func() error {
		var b []byte
		for _, word := range []uint32{
			1<<16 | 0xeb9f, 24, 0, 28, 28, 3, // struct btf_header: two types, and their strings
			1, 4 << 24, 0, // BTF_KIND_STRUCT
			1, 17 << 24, 1, 1<<32 - 1, // BTF_KIND_DECL_TAG of it
		} {
			b = binary.NativeEndian.AppendUint32(b, word)
		}
		fd, err := sys.LoadBTF(append(b, "\x00a\x00"...))
		if err != nil {
			return err
		}
		return sys.Close(fd)
	}}
	// Exceptions is programs that throw.
	Exceptions = Feature{Name: "exceptions", Since: "6.7", Probe: func() error {
		names, err := os.ReadFile("/proc/kallsyms")
		if err == nil && !bytes.Contains(names, []byte(" bpf_throw\n")) {
			err = errors.New("the kernel has no bpf_throw")
		}
		return err
	}}
	// BloomFilter is that type of map.
	BloomFilter = MapOf(ebpf.BloomFilter, "5.16")
)

// MapOf is the need for a type of map, which came with a kernel.
func MapOf(t ebpf.MapType, since string) Feature {
	return Feature{Name: "maps of type " + t.String(), Since: since, Probe: func() error { return features.HaveMapType(t) }}
}

// ProgramOf is the need for a type of program.
func ProgramOf(t ebpf.ProgramType) Feature {
	return Feature{Name: "programs of type " + t.String(), Probe: func() error { return features.HaveProgramType(t) }}
}

// Fixture is what a fixture needs of a kernel, as far as 5.10 does not have it.
func Fixture(object string) []Feature {
	switch object {
	case "frags.o", "live_frags.o", "nfp_rule6.o", "tail.o", "tail_nobtf.o":
		return []Feature{Frags}
	case "callback.o":
		return []Feature{Callbacks}
	case "exception.o":
		return []Feature{Exceptions}
	case "kinds.o":
		return []Feature{BloomFilter}
	case "held.o":
		return []Feature{Tags}
	}
	return nil
}
