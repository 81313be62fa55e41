package x86_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/disasm"
	"github.com/xdpload/xdpload/internal/disasm/x86"
)

// The forms that the JIT compiler emits on one processor or another, and that
// this one may not show.
func TestDecode(t *testing.T) {
	const pc = 0xffffffffc0001000
	for _, tt := range []struct{ bytes, text string }{
		{"f30f1efa", "endbr64"},
		{"cc", "int3"},
		{"90", "nop"},
		{"6690", "xchg %ax,%ax"},
		{"0f1f00", "nopl (%rax)"},
		{"0f1f4000", "nopl 0x0(%rax)"},
		{"0f1f440000", "nopl 0x0(%rax,%rax,1)"},
		{"660f1f440000", "nopw 0x0(%rax,%rax,1)"},
		{"0f1f8000000000", "nopl 0x0(%rax)"},
		{"2e660f1f0400", "cs nopw (%rax,%rax,1)"},
		{"0f0b", "ud2"},
		{"0faee8", "lfence"},
		{"0faef0", "mfence"},
		{"f390", "pause"},
		{"c9", "leave"},
		{"c3", "ret"},
		{"ffe1", "jmp *%rcx"},
		{"3e41ffe3", "notrack jmp *%r11"},
		{"ffd0", "call *%rax"},
		{"ff5710", "call *0x10(%rdi)"},
		{"2ee801000000", "cs call 0xffffffffc0001007"},
		{"e8fbffffff", "call 0xffffffffc0001000"},
		{"e9fb0f0000", "jmp 0xffffffffc0002000"},
		{"7402", "je 0xffffffffc0001004"},
		{"0f84fa000000", "je 0xffffffffc0001100"},
		{"49bb8877665544332211", "movabs $0x1122334455667788,%r11"},
		{"48c7c000ffffff", "mov $0xffffffffffffff00,%rax"},
		{"b800ffffff", "mov $0xffffff00,%eax"},
		{"4d63d2", "movslq %r10d,%r10"},
		{"480fbe0424", "movsbq (%rsp),%rax"},
		{"440fb6c8", "movzbl %al,%r9d"},
		{"65488b0425e81f0200", "mov %gs:0x21fe8,%rax"},
		{"65480305e81f0200", "add %gs:0x21fe8(%rip),%rax"},
		{"4889ad78ffffff", "mov %rbp,-0x88(%rbp)"},
		{"c7450000000000", "movl $0x0,0x0(%rbp)"},
		{"66c74500ffff", "movw $0xffff,0x0(%rbp)"},
		{"4a890c20", "mov %rcx,(%rax,%r12,1)"},
		{"f0480fb137", "lock cmpxchg %rsi,(%rdi)"},
		{"f0480fc107", "lock xadd %rax,(%rdi)"},
		{"f0488107e8030000", "lock addq $0x3e8,(%rdi)"},
		{"488706", "xchg %rax,(%rsi)"},
		{"c4e2f1f7d0", "shlx %rcx,%rax,%rdx"},
		{"c4e2f3f7d0", "shrx %rcx,%rax,%rdx"},
		{"c4c232f7ca", "sarx %r9d,%r10d,%ecx"},
		{"c4e2f1f75010", "shlx %rcx,0x10(%rax),%rdx"},
		{"48d3e0", "shl %cl,%rax"},
		{"66c1c808", "ror $0x8,%ax"},
		{"490fc9", "bswap %r9"},
		{"4899", "cqto"},
		{"99", "cltd"},
		{"4898", "cltq"},
		{"49f7f3", "div %r11"},
		{"4869c034120000", "imul $0x1234,%rax,%rax"},
		{"4d85c0", "test %r8,%r8"},
		{"ff7010", "push 0x10(%rax)"},
		{"415c", "pop %r12"},
		{"4181ea78563412", "sub $0x12345678,%r10d"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			code, err := hex.DecodeString(tt.bytes)
			if err != nil {
				t.Fatal(err)
			}
			i, err := x86.Decode(code, pc)
			if err != nil {
				t.Fatal(err)
			}
			if got := i.Text(""); got != tt.text {
				t.Errorf("%s: %s, want %s", tt.bytes, got, tt.text)
			}
			if want := len(code); i.Len != want {
				t.Errorf("%s: %d bytes, want %d", tt.bytes, i.Len, want)
			}
		})
	}
}

func TestTarget(t *testing.T) {
	for _, tt := range []struct {
		bytes    string
		transfer disasm.Transfer
		text     string
	}{
		{"\xe8\xfb\x00\x00\x00", disasm.Call, "call there"},
		{"\x0f\x85\xfa\x00\x00\x00", disasm.Jump, "jne there"},
		{"\xff\xe0", disasm.None, "jmp *%rax"},
	} {
		i, err := x86.Decode([]byte(tt.bytes), 0x1000)
		if err != nil {
			t.Fatal(err)
		}
		if i.Transfer != tt.transfer || i.Text("there") != tt.text {
			t.Errorf("%s: %v, want %v, %s", i.Text("there"), i.Transfer, tt.transfer, tt.text)
		}
		if tt.transfer != disasm.None && i.Target != 0x1100 {
			t.Errorf("%s goes to %#x", tt.text, i.Target)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, code := range []string{"", "\x06", "\x48", "\xe8\x00", "\x0f\xff", "\xc5"} {
		if i, err := x86.Decode([]byte(code), 0); !errors.Is(err, disasm.ErrUnknown) {
			t.Errorf("% x: %+v, %v", code, i, err)
		}
	}
}

// FuzzDecode wants no panic, a length within the code, and a text on one line.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x48\x89\xe5"))
	f.Add([]byte("\xc4\xe2\xf1\xf7\xd0"))
	f.Fuzz(func(t *testing.T, code []byte) {
		i, err := x86.Decode(code, 0x1000)
		switch {
		case err != nil:
		case i.Len <= 0 || i.Len > len(code):
			t.Errorf("% x: %d bytes", code, i.Len)
		case i.Operation == "" || strings.ContainsAny(i.Text(""), "\n\t"):
			t.Errorf("% x: %q", code, i.Text(""))
		}
	})
}
