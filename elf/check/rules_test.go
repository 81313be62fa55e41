package check_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/testobj"
)

// sentences are all that is said of an object, each with what it is about.
func sentences(r *check.Report) (all []string) {
	for _, n := range r.Needs {
		all = append(all, fmt.Sprintf("%s: %s %s%s", n.Kernel, n.What, n.Program, n.Map))
	}
	for _, n := range r.GPL {
		all = append(all, fmt.Sprintf("GPL: %s %s", n.What, n.Program))
	}
	for _, n := range r.Unknown {
		all = append(all, fmt.Sprintf("unknown: %s %s%s", n.What, n.Program, n.Map))
	}
	for _, f := range r.Refused {
		all = append(all, fmt.Sprintf("%s: %s %s%s", f.Loader, f.Why, f.Program, f.Map))
	}
	for _, err := range r.Faults {
		all = append(all, "fault: "+err.Error())
	}
	return all
}

// code is the listing of a program in a section.
func code(section, instructions string) string {
	return ".endian little\n.section \"" + section + "\" progbits ax 8\n.function f\n" + instructions + "\tr0 = 0\n\texit\n"
}

// TestRules: what no object of the kernel's own test has is said too.
func TestRules(t *testing.T) {
	const ofType99 = "\tr1 = map[m]\n"
	for _, tt := range []struct {
		name, listing, object string
		want                  string
	}{
		{name: "long", listing: code("xdp", strings.Repeat("\tr0 = 0\n", 4096)), want: "5.2: more than 4096 instructions (4098) f"},
		{name: "sleepable", listing: code("fentry.s/x", ""), want: "5.10: sleepable programs f"},
		{name: "sleepable uprobe", listing: code("uprobe.s/x", ""), want: "6.0: sleepable uprobes f"},
		{name: "security module", listing: code("lsm/x", ""), want: "GPL: program type lsm f"},
		{name: "static program", listing: strings.Replace(code("xdp", ""), ".function f", ".function f local", 1), want: "libbpf: a program is static f"},
		{name: "helper", listing: code("xdp", "\tcall helper#9999\n"), want: "unknown: helper#9999 f"},
		{name: "type of map", listing: code("xdp", ofType99) + ".section maps progbits wa 4\n.object m size 20\n\t.byte 63 00 00 00 04 00 00 00 04 00 00 00 01 00 00 00\n\t.byte 00 00 00 00\n", want: "unknown: map type 99 m"},
		{name: "flags of map", listing: code("xdp", ofType99) + ".section maps progbits wa 4\n.object m size 20\n\t.byte 01 00 00 00 04 00 00 00 04 00 00 00 01 00 00 00\n\t.byte 00 00 00 40\n", want: "unknown: map flags 0x40000000 m"},
		{name: "young map", listing: code("xdp", ofType99) + ".section maps progbits wa 4\n.object m size 20\n\t.byte 23 00 00 00 04 00 00 00 04 00 00 00 01 00 00 00\n\t.byte 01 00 00 00\n", want: "7.2: map type rhash m"},
		{name: "young attach type", listing: code("fentry.multi/x", ""), want: "7.2: attach type trace_fentry_multi f"},
		{name: "inner map", object: "mimbtf.o", want: "3.19: map type array outer"},
		{name: "static map", object: "mixed.o", want: "libbpf: a map is static static_btf"},
		{name: "static map, ip", object: "mixed.o", want: "iproute2: a map is static static_btf"},
		{name: "setting", object: "externs.o", want: "5.2: variable LINUX_KERNEL_VERSION of the kernel externs"},
		{name: "undefined variable", listing: code("xdp", "\tr1 = &nowhere\n") + ".extern nowhere\n", want: `fault: section "xdp": undefined symbol "nowhere": if the kernel has it, the object has no BTF to say so: compile with clang -g`},
		{name: "undefined function", object: "undefined.o", want: `fault: section "xdp/bad": undefined symbol "nowhere": the object neither defines it nor declares it __ksym or __kconfig`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			image := []byte(nil)
			if tt.object != "" {
				image = testobj.Bytes(tt.object)
			} else {
				var err error
				if image, err = listing.Assemble(strings.NewReader(tt.listing)); err != nil {
					t.Fatal(err)
				}
			}
			o, err := elf.Read(bytes.NewReader(image))
			if err != nil {
				t.Fatal(err)
			}
			if got := sentences(check.Object(o)); !slices.Contains(got, tt.want) {
				t.Errorf("no %q in:\n%s", tt.want, strings.Join(got, "\n"))
			}
		})
	}
}
