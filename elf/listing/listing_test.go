package listing_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

func ExampleAssemble() {
	object, err := listing.Assemble(strings.NewReader(`
.endian little
.section xdp progbits ax 8
.function xdp_short_frames_only
	r2 = *(u32 *)(r1 +4)                ; data_end
	r1 = *(u32 *)(r1 +0)
	r1 += 64
	r0 = 2                              ; XDP_PASS
	if r1 > r2 goto L1
	r0 = 1                              ; XDP_DROP
L1:
	exit
.section license progbits wa 1
	.byte 47 50 4c 00
`))
	if err != nil {
		panic(err)
	}
	o, err := elf.Read(strings.NewReader(string(object)))
	if err != nil {
		panic(err)
	}
	if err := listing.Write(os.Stdout, o, listing.Options{Program: "xdp_short_frames_only", Raw: true}); err != nil {
		panic(err)
	}
	// Output:
	//
	// .section xdp progbits ax 8
	// .function xdp_short_frames_only
	// 	r2 = *(u32 *)(r1 +4)                    ; 0000: 61 12 04 00 00 00 00 00
	// 	r1 = *(u32 *)(r1 +0)                    ; 0008: 61 11 00 00 00 00 00 00
	// 	r1 += 64                                ; 0010: 07 01 00 00 40 00 00 00
	// 	r0 = 2                                  ; 0018: b7 00 00 00 02 00 00 00
	// 	if r1 > r2 goto L1                      ; 0020: 2d 21 01 00 00 00 00 00
	// 	r0 = 1                                  ; 0028: b7 00 00 00 01 00 00 00
	// L1:
	// 	exit                                    ; 0030: 95 00 00 00 00 00 00 00
}

func fixture(t testing.TB, name string) *elf.Object {
	t.Helper()
	return read(t, name, testobj.Bytes(name))
}

func TestListing(t *testing.T) {
	for _, tt := range []struct {
		name, object string
		opts         listing.Options
		want         []string
	}{
		{"map and helper", "legacy36.o", listing.Options{}, []string{"\tr1 = map[first]\n\tcall bpf_map_lookup_elem\n", ".object second size 36\n"}},
		{"calls", "subprog.o", listing.Options{Program: "xdp_global"}, []string{"\tcall "}},
		{"subprogram", "subprog.o", listing.Options{Section: ".text"}, []string{".section .text progbits ax 8\n", ".function "}},
		{"variables", "globals_be.o", listing.Options{}, []string{".endian big\n", "\tr3 = &total\n", ".object hidden_limit local size 4\n"}},
		{"source", "count.o", listing.Options{Source: true}, []string{"\t; /testobj/src/count.c:"}},
		{"raw", "count.o", listing.Options{Raw: true}, []string{"; 0000: bf 16 00 00 00 00 00 00\n"}},
		{"CO-RE", "core.o", listing.Options{}, []string{"; CO-RE field_byte_offset of struct "}},
		{"extern", "externs_typed.o", listing.Options{}, []string{".extern "}},
		{"common", "common.o", listing.Options{}, []string{".common "}},
		{"callback", "callback.o", listing.Options{}, []string{"\tr2 = &"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := list(t, fixture(t, tt.object), tt.opts)
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}

func TestListingNotFound(t *testing.T) {
	for _, opts := range []listing.Options{{Section: "nosuch"}, {Program: "nosuch"}} {
		err := listing.Write(&strings.Builder{}, fixture(t, "two.o"), opts)
		if nf, ok := errors.AsType[*elf.NotFoundError](err); !ok || len(nf.Have) == 0 {
			t.Errorf("%+v: error %v", opts, err)
		}
	}
}

// Names with any characters, and several with one name, come back as they were.
func TestOddNames(t *testing.T) {
	text := strings.Join([]string{
		".endian big",
		"",
		`.section "a \"b\";\\" progbits ax 8`,
		".function \"f;g\"",
		"\tcall \"h i\"@3",
		"\texit",
		".function \"h i\"@3 local",
		"\tr1 = &[.data]+8",
		"\tr1 = &total-4",
		"\texit",
		".function \"h i\"@4 local",
		"\texit",
		"",
		".section .data progbits wa 8",
		".object total size 8",
		"\t.reloc 2 {\"f;g\"}",
		"\t.byte 01 00 00 00 00 00 00 02",
		".object static local size 4",
		"\t.zero 4",
		"",
	}, "\n")
	made, err := listing.Assemble(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got := list(t, read(t, "odd.o", made), listing.Options{})
	// The numbers are those of the symbol table, and a name is better than a place.
	want := strings.NewReplacer("&[.data]+8", "&static", "@3", "@1", "@4", "@2").Replace(text)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAssembleErrors(t *testing.T) {
	const head = ".section xdp progbits ax 8\n.function f\n"
	for _, tt := range []struct{ text, want string }{
		{"exit\n", "line 1: no .section before it"},
		{".section xdp\n", "line 1: .section needs"},
		{".section xdp progbits az 8\n", `line 1: unknown flag 'z'`},
		{".section xdp code ax 8\n", `"code" is neither progbits nor nobits`},
		{head + ".section xdp progbits ax 8\n", "line 3: section xdp twice"},
		{head + ".function f\n", "line 3: symbol f twice"},
		{head + ".function \"f\n", "line 3: a quote without its end"},
		{head + ".endian big\n", "goes before the first section"},
		{head + ".endian middle\n", ".endian needs little or big"},
		{head + "goto L1\n", `line 3: no label "L1"`},
		{head + "L1:\nL1:\n", `line 4: label "L1" twice`},
		{head + "L1:\nexit\n.section tc progbits ax 8\ngoto L1\n", "is in another section"},
		{head + "call nosuch\n", `line 3: "nosuch" is neither defined nor declared .extern`},
		{head + "r1 = &[nosuch]\n", `no section "nosuch"`},
		{head + "r1 = &f+x\n", "is not an operand"},
		{head + "r1 = &[xdp\n", "no ]"},
		{head + "call [xdp]+4\n", "within an instruction"},
		{head + "r1 = nonsense\n", "line 3: "},
		{head + ".byte 100\n", "is not a byte"},
		{head + ".zero 99999999999\n", "is not a number of bytes"},
		{head + ".frobnicate\n", "unknown directive .frobnicate"},
		{head + ".object x size\n", "size needs a number"},
		{head + ".object x huge\n", `unknown word "huge"`},
		{head + ".reloc 1\n", ".reloc needs a type and a name"},
		{".section .bss nobits wa 8\nexit\n", "without bytes"},
		{".section .bss nobits wa 8\n.byte 01\n", "without bytes"},
		{head + "goto L1\n.zero 600000\nL1:\nexit\n", "use gotol"},
	} {
		_, err := listing.Assemble(strings.NewReader(tt.text))
		if _, ok := errors.AsType[*listing.SyntaxError](err); !ok || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want %q", tt.text, err, tt.want)
		}
	}
}

// The kernel takes what was assembled, maps, types, calls and all.
func TestKernelLoadsAssembled(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for object, program := range map[string]string{
		"count.o": "xdp_count", "subprog.o": "xdp_both", "callback.o": "xdp_callback", "globals.o": "globals", "tail.o": "entry", "mimbtf.o": "mim",
	} {
		t.Run(object, func(t *testing.T) {
			made, err := listing.Assemble(strings.NewReader(list(t, fixture(t, object), listing.Options{Types: true})))
			if err != nil {
				t.Fatal(err)
			}
			spec, err := read(t, object, made).Spec(elf.Selector{Program: program, Type: ebpf.XDP})
			if err != nil {
				t.Fatal(err)
			}
			c, err := ebpf.NewCollection(spec)
			if err != nil {
				t.Fatalf("%+v", err)
			}
			c.Close()
		})
	}
}

// FuzzAssemble: no panic, and what was made can be read and listed.
func FuzzAssemble(f *testing.F) {
	for _, name := range []string{"count.o", "globals_be.o", "tail.o", "mimbtf.o", "externs.o", "common.o", "callback.o"} {
		f.Add(list(f, fixture(f, name), listing.Options{}))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		made, err := listing.Assemble(strings.NewReader(text))
		if err != nil {
			return
		}
		o, err := elf.Read(strings.NewReader(string(made)))
		if err != nil {
			return
		}
		if err := listing.Write(&strings.Builder{}, o, listing.Options{Source: true}); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
