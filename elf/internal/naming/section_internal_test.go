package naming

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf/internal/image"
)

// younger are the names of libbpf 1.8 that the library does not know.
var younger = map[string]bool{
	"tracepoint.s": true, "tp.s": true, "raw_tracepoint.s": true, "raw_tp.s": true, "tp_btf.s": true, "fentry.multi": true, "fentry.multi.s": true,
	"fexit.multi": true, "fexit.multi.s": true, "fsession.multi": true, "fsession.multi.s": true,
}

// The names that only libbpf has are told from those that begin like them.
func TestKindOfYounger(t *testing.T) {
	for name, want := range map[string]Kind{
		"tp_btf.s/x":         {Type: ebpf.Tracing, Attach: ebpf.AttachTraceRawTp, Flags: bpfFSleepable, Target: "x"},
		"raw_tp.s/x":         {Type: ebpf.RawTracepoint, Flags: bpfFSleepable, Target: "x"},
		"fentry.multi/x":     {Type: ebpf.Tracing, Attach: 59, Target: "x"},
		"fexit.multi.s/x":    {Type: ebpf.Tracing, Attach: 60, Flags: bpfFSleepable, Target: "x"},
		"fsession.multi/x":   {Type: ebpf.Tracing, Attach: 61, Target: "x"},
		"fsession.multi.s/x": {Type: ebpf.Tracing, Attach: 61, Flags: bpfFSleepable, Target: "x"},
	} {
		if got := KindOf(name); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// The library keeps its table of section names to itself; an object for each
// name shows that the two agree.
func TestKindOfAgreesWithLibrary(t *testing.T) {
	names := []string{"prog", "foobar", "2/0", "XDP", "xdp_pass", "xdp-frags", "?xdp", "tc_main", "tp", "tpx", "ingress"}
	for _, p := range sectionPatterns {
		base, takesTarget := strings.CutSuffix(p.pattern, "+")
		if younger[base] {
			continue
		}
		names = append(names, base, base+"/some_target")
		if takesTarget {
			names = append(names, base+"x/some_target")
		}
	}
	for _, name := range names {
		want := libraryKind(t, name)
		got := KindOf(name)
		got.Guess = false // the library does not say
		if got != want {
			t.Errorf("%s: %+v, the library says %+v", name, got, want)
		}
	}
}

func libraryKind(t *testing.T, section string) Kind {
	t.Helper()
	img := image.New(binary.LittleEndian)
	code := []byte{0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0} // r0 = 0; exit
	i := img.Add(image.Section{Name: section, Type: elf.SHT_PROGBITS, Flags: elf.SHF_EXECINSTR, Data: code})
	img.Global(image.Symbol{Name: "f", Size: 16, Section: i, Type: elf.STT_FUNC, Bind: elf.STB_GLOBAL})
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(img.Bytes()))
	if err != nil {
		t.Fatalf("%s: %v", section, err)
	}
	p := spec.Programs["f"]
	kind := Kind{Type: p.Type, Attach: p.AttachType, Flags: p.Flags, Target: p.AttachTo}
	if p.Type == ebpf.StructOps {
		_, kind.Target, _ = strings.Cut(section, "/") // the library has no use for it
	}
	return kind
}

// TestKindIsGuess: a name that only begins like one that tells the type may mean something else.
func TestKindIsGuess(t *testing.T) {
	for name, want := range map[string]bool{
		"xdp": false, "xdp_pass": false, "xdp/pass": false, "xdp.frags": false, "xdpfilter": true, "tc": false, "tcp": true,
		"tcx/ingress": false, "classifier": false, "action1": false, "?xdp": false, "kprobe/x": false, "prog": false,
	} {
		if got := KindOf(name).Guess; got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
