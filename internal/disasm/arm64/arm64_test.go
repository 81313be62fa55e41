package arm64_test

import (
	"encoding/hex"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/disasm"
	"github.com/xdpload/xdpload/internal/disasm/arm64"
)

//go:generate testdata/build.sh

// TestDecode compares with what llvm-objdump says of the instructions that the
// JIT compiler emits.
func TestDecode(t *testing.T) {
	text, err := os.ReadFile("testdata/jit.txt")
	if err != nil {
		t.Fatal(err)
	}
	pc := uint64(0)
	for line := range strings.Lines(string(text)) {
		bytes, want, _ := strings.Cut(strings.TrimSpace(line), " ")
		code, err := hex.DecodeString(bytes)
		if err != nil {
			t.Fatal(err)
		}
		i, err := arm64.Decode(code, pc)
		if err != nil {
			t.Errorf("%s: %v, want %s", bytes, err, want)
		} else if got := i.Text(""); normal(got) != normal(want) && !strings.HasPrefix(want, "adr ") {
			t.Errorf("%s: %q, want %q", bytes, got, want)
		}
		pc += 4
	}
	if pc < 200*4 {
		t.Errorf("only %d instructions", pc/4)
	}
}

var number = regexp.MustCompile(`#-?(0x)?[0-9a-f]+`)

// normal removes what is a matter of taste: blanks, remarks, the base and sign of
// numbers, capitals, and the second names of two conditions.
func normal(text string) string {
	text, _, _ = strings.Cut(text, "//")
	text = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ", ", ","))
	text = strings.NewReplacer("b.hs", "b.cs", "b.lo", "b.cc", "hint #0x16", "clearbhb").Replace(text)
	return number.ReplaceAllStringFunc(text, func(s string) string {
		n, err := strconv.ParseInt(s[1:], 0, 64)
		if err != nil { // 64 bits without a sign
			u, _ := strconv.ParseUint(s[1:], 0, 64)
			n = int64(u)
		}
		if strings.Contains(text, " w") {
			n = int64(int32(n))
		}
		return "#" + strconv.FormatInt(n, 10)
	})
}

func TestTarget(t *testing.T) {
	for _, tt := range []struct {
		word     string
		transfer disasm.Transfer
		text     string
	}{
		{"\x40\x00\x00\x94", disasm.Call, "bl there"},
		{"\x40\x00\x00\x14", disasm.Jump, "b there"},
		{"\x00\x08\x00\x54", disasm.Jump, "b.eq there"},
		{"\x07\x08\x00\xb4", disasm.Jump, "cbz x7,there"},
		{"\x07\x08\x18\x36", disasm.Jump, "tbz w7,#3,there"},
		{"\x40\x01\x3f\xd6", disasm.None, "blr x10"},
	} {
		i, err := arm64.Decode([]byte(tt.word), 0x1000)
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
	for _, code := range []string{"", "\x00\x00\x00", "\xff\xff\xff\xff"} {
		if i, err := arm64.Decode([]byte(code), 0); !errors.Is(err, disasm.ErrUnknown) {
			t.Errorf("% x: %+v, %v", code, i, err)
		}
	}
}

// FuzzDecode wants no panic, four bytes, and a text on one line.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\xc0\x03\x5f\xd6"))
	f.Add([]byte("\x07\x00\xe7\xf8"))
	f.Fuzz(func(t *testing.T, code []byte) {
		i, err := arm64.Decode(code, 0x1000)
		if err == nil && (i.Len != 4 || i.Operation == "" || strings.ContainsAny(i.Text(""), "\n\t")) {
			t.Errorf("% x: %d bytes, %q", code, i.Len, i.Text(""))
		}
	})
}
