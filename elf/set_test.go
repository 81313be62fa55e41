package elf_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/testobj"
)

func TestVariables(t *testing.T) {
	type row struct {
		Name, Section, Type string
		Size                uint64
		Static, ReadOnly    bool
	}
	vars, err := read(t, "globals.o").Variables()
	if err != nil {
		t.Fatal(err)
	}
	var got []row
	for _, v := range vars {
		got = append(got, row{v.Name, v.Section, elf.TypeName(v.Type), v.Size, v.Static, v.ReadOnly})
	}
	want := []row{
		{"byte", ".rodata", "const volatile __u8", 1, false, true},
		{"negative", ".rodata", "const volatile __s16", 2, false, true},
		{"wide", ".rodata", "const volatile __u64", 8, false, true},
		{"mode", ".rodata", "const volatile enum mode", 4, false, true},
		{"name", ".rodata", "const volatile char[8]", 8, false, true},
		{"ports", ".rodata", "const volatile __u32[4]", 16, false, true},
		{"enabled", ".rodata", "const volatile _Bool", 1, false, true},
		{"host4", ".rodata", "const volatile __u8[4]", 4, false, true},
		{"host6", ".rodata", "const volatile __u8[16]", 16, false, true},
		{"network", ".rodata", "const volatile __be32", 4, false, true},
		{"gateway", ".rodata", "const volatile struct in6_addr", 16, false, true},
		{"config", ".data", "struct config", 56, false, false},
		{"hidden_limit", ".data", "volatile __u32", 4, true, false},
		{"globals.calls", ".bss", "volatile __u32", 4, true, false},
		{"total", ".bss", "__u64", 8, false, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if v := vars[1].Value; len(v) != 2 || binary.LittleEndian.Uint16(v) != 0xfffe {
		t.Errorf("value of negative %x", v)
	}
	if v := vars[len(vars)-1].Value; v != nil {
		t.Errorf("value of total %x", v)
	}
}

// bytesOf returns a variable's bytes in a spec.
func bytesOf(t *testing.T, o *elf.Object, spec *ebpf.CollectionSpec, name string) []byte {
	t.Helper()
	vars, err := o.Variables()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vars {
		if v.Name == name {
			return spec.Maps[v.Section].Contents[0].Value.([]byte)[v.Offset:][:v.Size]
		}
	}
	t.Fatalf("no variable %q", name)
	return nil
}

func TestSet(t *testing.T) {
	le := binary.LittleEndian
	tests := []struct {
		set, value string
		variable   string
		off        int
		want       []byte
	}{
		{"byte", "255", "byte", 0, []byte{255}},
		{"byte", "0b101", "byte", 0, []byte{5}},
		{"byte", "'A'", "byte", 0, []byte{'A'}},
		{"negative", "-0x10", "negative", 0, []byte{0xf0, 0xff}},
		{"wide", "0xffffffffffffffff", "wide", 0, le.AppendUint64(nil, 1<<64-1)},
		{"enabled", "true", "enabled", 0, []byte{1}},
		{"enabled", "0", "enabled", 0, []byte{0}},
		{"mode", "MODE_ENFORCE", "mode", 0, []byte{6, 0, 0, 0}},
		{"mode", "0", "mode", 0, []byte{0, 0, 0, 0}},
		{"name", "eth0", "name", 0, []byte("eth0\x00\x00\x00\x00")},
		{"name", "exactly8", "name", 0, []byte("exactly8")},
		{"host4", "192.0.2.1", "host4", 0, []byte{192, 0, 2, 1}},
		{"host4", "1,2", "host4", 0, []byte{1, 2, 0, 0}},
		{"host6", "2001:db8::1", "host6", 0, []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
		{"network", "0x0a000001", "network", 0, []byte{10, 0, 0, 1}},
		{"network", "10.0.0.1", "network", 0, []byte{10, 0, 0, 1}},
		{"host6", "192.0.2.1", "host6", 0, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}},
		{"gateway", "fe80::1", "gateway", 0, []byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
		{"gateway.words[1]", "1", "gateway", 4, []byte{0, 0, 0, 1}},
		{"ports[3]", "8080", "ports", 12, []byte{0x90, 0x1f, 0, 0}},
		{"ports", "1,0x2", "ports", 0, []byte{1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"ports", "[1, 0x2,3,4]", "ports", 0, []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0}},
		{"ports", "[9]", "ports", 0, []byte{9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"config.limit", "7", "config", 0, []byte{7, 0, 0, 0}},
		{"config.mode", "MODE_LEARN", "config", 8, []byte{5, 0, 0, 0}},
		{"config.peers[1].mac", "02:00:00:00:00:01", "config", 24, []byte{2, 0, 0, 0, 0, 1}},
		{"config.peers[1].port", "80", "config", 30, []byte{0, 80}},
		{"config.addr4", "10.1.2.3", "config", 36, []byte{10, 1, 2, 3}},
		{"total", "5", "total", 0, []byte{5, 0, 0, 0, 0, 0, 0, 0}},
		{"hidden_limit", "9", "hidden_limit", 0, []byte{9, 0, 0, 0}},
		{"globals.calls", "3", "globals.calls", 0, []byte{3, 0, 0, 0}},
	}
	o := read(t, "globals.o")
	for _, tt := range tests {
		t.Run(tt.set+"="+tt.value, func(t *testing.T) {
			spec, err := o.Spec(elf.Selector{Program: "globals"})
			if err != nil {
				t.Fatal(err)
			}
			if err := o.Set(spec, tt.set, tt.value); err != nil {
				t.Fatal(err)
			}
			got := bytesOf(t, o, spec, tt.variable)[tt.off:][:len(tt.want)]
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if v := spec.Variables[tt.variable]; v != nil {
				if diff := cmp.Diff(tt.want, v.Value[tt.off:][:len(tt.want)]); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// The object's byte order counts, not the machine's.
func TestSetBigEndian(t *testing.T) {
	o := read(t, "globals_be.o")
	spec, err := o.Spec(elf.Selector{Program: "globals"})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Set(spec, "ports[0]", "0x102"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{0, 0, 1, 2}, bytesOf(t, o, spec, "ports")[:4]); diff != "" {
		t.Error(diff)
	}
}

func TestSetErrors(t *testing.T) {
	tests := []struct{ set, value, want string }{
		{"nosuch", "1", `globals.o: variable "nosuch": no such variable; the object has byte, negative, wide, mode, name, ports, enabled, host4, host6, network, gateway, config, 3 more`},
		{"byte", "256", `"256" does not fit const volatile __u8: out of range 0 to 255`},
		{"byte", "-1", `"-1" does not fit const volatile __u8: out of range 0 to 255`},
		{"byte", "one", `"one" does not fit const volatile __u8: no number`},
		{"negative", "40000", `"40000" does not fit const volatile __s16: out of range -32768 to 32767`},
		{"enabled", "maybe", `"maybe" does not fit const volatile _Bool: neither true nor false`},
		{"mode", "MODE_NONE", `"MODE_NONE" does not fit const volatile enum mode: it has MODE_OFF, MODE_LEARN, MODE_ENFORCE`},
		{"name", "far too long", `"far too long" does not fit const volatile char[8]: 12 bytes for 8`},
		{"host4", "2001:db8::1", `"2001:db8::1" does not fit const volatile __u8[4]: neither an IPv4 address nor numbers with commas between them: element 0: no number`},
		{"ports", "1,2,3,4,5", `"1,2,3,4,5" does not fit const volatile __u32[4]: 5 elements for 4`},
		{"ports", "1", "one value for 4 elements: NAME[INDEX]=1 sets one of them, A,B,… several from the first, [1] the first, and the rest to zero"},
		{"ports", "[1", `"[1" does not fit const volatile __u32[4]: [ without ]`},
		{"ports", "1]", "element 0: no number"},
		{"ports", "[]", "element 0: no number"},
		{"ports[4]", "1", `const volatile __u32[4] has no element "4"`},
		{"ports[0]x", "1", `"x" after an element, where . or [ could be`},
		{"byte[0]", "1", `const volatile __u8 is not an array`},
		{"config", "1", `"1" does not fit struct config: set its members one by one`},
		{"config.nosuch", "1", `struct config has no member "nosuch"`},
		{"config.high", "1", `a bit field of __u32 cannot be set`},
	}
	o := read(t, "globals.o")
	spec, err := o.Spec(elf.Selector{Program: "globals"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.set+"="+tt.value, func(t *testing.T) {
			err := o.Set(spec, tt.set, tt.value)
			if err == nil || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// The path of an object is told whole, however long it is.
func TestSetLongPath(t *testing.T) {
	path := strings.Repeat("directory/", 12) + "globals.o"
	o, err := elf.ReadNamed(bytes.NewReader(testobj.Bytes("globals.o")), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Set(&ebpf.CollectionSpec{}, "none", "1"); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("%v", err)
	}
}

func TestSetUnused(t *testing.T) {
	o := read(t, "globals.o")
	spec, err := o.Spec(elf.Selector{Program: "without"})
	if err != nil {
		t.Fatal(err)
	}
	want := `globals.o: variable "byte": the program does not use section ".rodata"`
	if err := o.Set(spec, "byte", "1"); err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

func TestSetWithoutBTF(t *testing.T) {
	o := read(t, "globals_nobtf.o")
	spec, err := o.Spec(elf.Selector{Program: "globals"})
	if err != nil {
		t.Fatal(err)
	}
	want := `globals_nobtf.o: variable "byte": its type is not known: compile with clang -g`
	if err := o.Set(spec, "byte", "1"); err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}
