package classic

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/need"
)

func TestParseNumbers(t *testing.T) {
	ip := []Instruction{{40, 0, 0, 12}, {21, 0, 1, 2048}, {6, 0, 0, 4294967295}, {6, 0, 0, 0}}
	const want = "4,40 0 0 12,21 0 1 2048,6 0 0 4294967295,6 0 0 0"
	for name, text := range map[string]string{
		"tc":                want,
		"trailing comma":    want + ",",
		"tcpdump":           "4\n40 0 0 12\n21 0 1 2048\n6 0 0 4294967295\n6 0 0 0\n",
		"a file of its own": " 4,\n40  0 0\t12,\n21 0 1 2048,\n6 0 0 4294967295,\n6 0 0 0,\n\n",
	} {
		got, err := ParseNumbers(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(ip, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	if got := Format(ip); got != want {
		t.Errorf("got %s", got)
	}
}

func TestParseNumbersErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "is empty",
		",\n ,":                               "is empty",
		"x,6 0 0 1":                           `begins with "x"`,
		"0,":                                  "of 0 instructions, expected 1 to 4096",
		"4097,6 0 0 1":                        "of 4097 instructions",
		"2,6 0 0 1":                           "announces 2 instructions and has 1",
		"1,6 0 0 1,6 0 0 0":                   "announces 1 instructions and has 2",
		"1,6 0 0":                             `instruction 0: "6 0 0" has 3 numbers`,
		"2,6 0 0 1,6 0 256 0":                 `instruction 1: "256" is not a number below 256`,
		"1,6 0 0 4294967296":                  "is not a number below 4294967296",
		"1,6 0 0 -1":                          `"-1" is not`,
		strings.Repeat("9", 40) + ",6 0 0 0,": "begins with",
	} {
		if _, err := ParseNumbers(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func FuzzNumbers(f *testing.F) {
	f.Add("2,40 0 0 12,6 0 0 1,")
	f.Fuzz(func(t *testing.T, text string) {
		program, err := ParseNumbers(text)
		if err != nil {
			return
		}
		again, err := ParseNumbers(Format(program))
		if err != nil || !cmp.Equal(program, again) {
			t.Errorf("%q: %v became %v, %v", text, program, again, err)
		}
	})
}

// What is written as an array is to the byte what tcpdump writes.
func TestFormatCLikeTcpdump(t *testing.T) {
	need.Of(t, need.Command("tcpdump"))
	for _, expression := range []string{"tcp port 80", "vlan 5 and icmp[0] = 8", "greater 1000"} {
		cmd := exec.Command("tcpdump", "-dd", "-y", "EN10MB", expression)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		program, err := ParseC(string(out))
		if err != nil {
			t.Fatal(err)
		}
		if got := FormatC(program); got != string(out) {
			t.Errorf("%s:\n%swant\n%s", expression, got, out)
		}
	}
}
