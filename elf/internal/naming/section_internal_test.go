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

// The library keeps its table of section names to itself; an object for each
// name shows that the two agree.
func TestKindOfAgreesWithLibrary(t *testing.T) {
	names := []string{"prog", "foobar", "2/0", "XDP", "xdp_pass", "xdp-frags", "?xdp", "tc_main", "tp", "tpx", "ingress"}
	for _, p := range sectionPatterns {
		base, takesTarget := strings.CutSuffix(p.pattern, "+")
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
