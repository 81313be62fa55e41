package grammar

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/need"
)

var update = flag.Bool("update", false, "rewrite testdata")

// golden compares text with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestSynopsis(t *testing.T) {
	none := func(string) error { return nil }
	v := func(name string) *Node { return Value(name, none) }
	tests := []struct {
		name string
		node *Node
		want string
	}{
		{"nothing", Seq(), "x\n"},
		{"sequence", Seq(v("A"), Word("b", v("C"))), "x A b C\n"},
		{"optional", Opt(Word("dev"), v("DEV")), "x [ dev DEV ]\n"},
		{"optional alternatives", Opt(Alt(Word("a"), Word("b"))), "x [ a | b ]\n"},
		{"optional alternatives repeated", Any(Alt(Word("a"), Word("b")).Repeat()), "x [ a | b ]...\n"},
		{"alternatives in alternatives", Alt(Alt(Word("a"), Word("b")), Word("c")), "x { a | b | c }\n"},
		{"repeated", v("FILE").Repeat(), "x FILE...\n"},
		{"optional and repeated", Opt(v("FILE").Repeat()), "x [ FILE ]...\n"},
		{"any", Any(Word("a"), Word("b").Required(), Key("c", "N", none).Repeat()), "x [ a ] b [ c N ]...\n"},
		{"hidden", Any(Word("a").Hidden(), Alt(Word("b").Hidden(), Word("c"))), "x [ c ]\n"},
		{"rest", Opt(Rest("CMD", nil)), "x [ CMD... ]\n"},
		{"named", Seq(Alt(Word("a"), v("B")).Named("THING"), Opt(v("C").Named("THING"))), "x THING [ THING ]\n\nTHING := { a | B }\n"},
		{
			"wrapped", Seq(Word("alpha", v("ALPHA")), Word("beta", v("BETA")), Word("gamma", v("GAMMA"))),
			"x alpha ALPHA beta BETA\n  gamma GAMMA\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Synopsis("x", tt.node, 26)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWriteHelp(t *testing.T) {
	var out bytes.Buffer
	for _, line := range []string{
		"help", "link help", "link set help", "tc filter get help",
		"link set eth0 xdp obj f help", "tcx show help", "tc exec bpf graft help", "link show eth0 help",
	} {
		c, rest, err := fixtureTable().Lookup(strings.Fields(line), nil)
		if err == nil {
			_, err = c.Parse(rest, nil)
		}
		help, ok := errors.AsType[*HelpRequest](err)
		if !ok {
			t.Fatalf("%s: got %v, want a HelpRequest", line, err)
		}
		out.WriteString("$ xdpload " + line + "\n")
		if err := fixtureTable().WriteHelp(&out, fixtureManual(), help, 80); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
	}
	golden(t, "help.txt", out.Bytes())
}

func TestWriteMarkdown(t *testing.T) {
	var out bytes.Buffer
	if err := fixtureTable().WriteMarkdown(&out, fixtureManual()); err != nil {
		t.Fatal(err)
	}
	golden(t, "commands.md", out.Bytes())
}

func TestManPages(t *testing.T) {
	for _, p := range fixtureTable().ManPages(fixtureManual()) {
		t.Run(p.Name, func(t *testing.T) {
			golden(t, p.Name, []byte(p.Text))
		})
		t.Run(p.Name+", says groff", func(t *testing.T) {
			need.Of(t, need.Command("groff"))
			cmd := exec.Command("groff", "-man", "-Tutf8", "-ww", "-z")
			cmd.Stdin = strings.NewReader(p.Text)
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestRoffKeepsText(t *testing.T) {
	w := new(roff)
	w.text(`.TH 'a' \n - ` + "`-x`")
	w.literal(".x\n'y…")
	want := `\&.TH \(aqa\(aq \en - \fB\-x\fR` + "\n.RS 4\n.nf\n" + `\&.x` + "\n" + `\(aqy...` + "\n.fi\n.RE\n"
	if diff := cmp.Diff(want, w.String()); diff != "" {
		t.Error(diff)
	}
}

func TestUndocumented(t *testing.T) {
	none := func(string) error { return nil }
	root := Any(
		Key("a", "A", none),
		Key("b", "B", none).Help("explained with its value"),
		Word("c").Hidden(),
		Word("d", Alt(Word("e"), Word("f").Help("f"))).Help("d"),
	)
	if diff := cmp.Diff([]string{"a", "A", "e"}, Undocumented(root)); diff != "" {
		t.Error(diff)
	}
}
