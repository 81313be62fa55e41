package grammar

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLinkSet(t *testing.T) {
	tests := []struct {
		line string
		want linkSetRequest
	}{
		{"dev eth0 xdp obj foo.o sec xdp verbose", linkSetRequest{Dev: "eth0", Mode: "xdp", Object: objectRequest{File: "foo.o", Section: "xdp", Verbose: true}}},
		{"eth0 xdpgeneric obj x.o", linkSetRequest{Dev: "eth0", Mode: "xdpgeneric", Object: objectRequest{File: "x.o"}}},
		{"dev dev xdp off", linkSetRequest{Dev: "dev", Mode: "xdp", Off: true}},
		{"X xdp off mtu 1400", linkSetRequest{Dev: "X", Mode: "xdp", Off: true, MTU: 1400}},
		{"X mtu 1400 xdp none", linkSetRequest{Dev: "X", Mode: "xdp", Off: true, MTU: 1400}},
		{"X xdp obj x.o mtu 1450", linkSetRequest{Dev: "X", Mode: "xdp", MTU: 1450, Object: objectRequest{File: "x.o"}}},
		{"X xdp obj x.o verb sec Y", linkSetRequest{Dev: "X", Mode: "xdp", Object: objectRequest{File: "x.o", Section: "Y", Verbose: true}}},
		{"X xdp obj x.o program A section B", linkSetRequest{Dev: "X", Mode: "xdp", Object: objectRequest{File: "x.o", Section: "B", Program: "A"}}},
		{"X xdp obj x.o mtu 1450 sec Y", linkSetRequest{Dev: "X", Mode: "xdp", MTU: 1450, Object: objectRequest{File: "x.o", Section: "Y"}}},
		{"X xdp o - s Y v", linkSetRequest{Dev: "X", Mode: "xdp", Object: objectRequest{File: "-", Section: "Y", Verbose: true}}},
		{"X xdp object-f obj", linkSetRequest{Dev: "X", Mode: "xdp", Object: objectRequest{File: "obj"}}},
		{"X xdp object-p m:globals/xp", linkSetRequest{Dev: "X", Mode: "xdp", Object: objectRequest{Pinned: "m:globals/xp"}}},
		{"X xdpdrv pi /sys/fs/bpf/p", linkSetRequest{Dev: "X", Mode: "xdpdrv", Object: objectRequest{Pinned: "/sys/fs/bpf/p"}}},
		{"X xdpoffload fd 7", linkSetRequest{Dev: "X", Mode: "xdpoffload", Object: objectRequest{FD: 7}}},
		{"X xdp obj help sec xdp", linkSetRequest{Dev: "X", Mode: "xdp", Object: objectRequest{File: "help", Section: "xdp"}}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			var got linkSetRequest
			if err := Parse(linkSetGrammar(&got), strings.Fields(tt.line), nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An empty word is what an unset variable of a script leaves. It is no value.
func TestParseEmptyWord(t *testing.T) {
	for _, line := range [][]string{{"", "xdp", "off"}, {"X", "xdp", "obj", ""}, {"X", "xdp", "obj", "f", "sec", ""}} {
		err := Parse(linkSetGrammar(new(linkSetRequest)), line, nil)
		if syntax, ok := errors.AsType[*SyntaxError](err); !ok || syntax.Got != "" || syntax.AtEnd {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestLater: what follows a word is built once, and only if the word is read or explained.
func TestLater(t *testing.T) {
	var file string
	built := 0
	tree := func() *Node {
		built = 0
		return Any(
			Word("object", Value("FILE", String(&file))).Later(func() *Node {
				built++
				return Any(Word("verbose"), Word("quiet"))
			}),
			Word("off"),
		)
	}
	for _, tt := range []struct {
		line  string
		built int
		fault string
	}{
		{"off", 0, ""},
		{"object a.o verbose quiet", 1, ""},
		{"object a.o off", 1, ""},
		{"off verbose", 1, "verbose"}, // the error lists what is expected
		{"object a.o loud", 1, "loud"},
	} {
		err := Parse(tree(), strings.Fields(tt.line), nil)
		got := ""
		if syntax, ok := errors.AsType[*SyntaxError](err); ok {
			got = syntax.Got
		}
		if got != tt.fault || built != tt.built {
			t.Errorf("%s: error %v, built %d times, want %d", tt.line, err, built, tt.built)
		}
	}
	n := tree()
	for range 2 {
		if names := Undocumented(n); built != 1 || !slices.Contains(names, "quiet") {
			t.Errorf("built %d times, words are %q", built, names)
		}
	}
	if text := plain(tokens(n)); !strings.Contains(text, "object FILE [ verbose ] [ quiet ]") {
		t.Errorf("the synopsis is %s", text)
	}
}

func TestParseFilter(t *testing.T) {
	obj := func(file, sec string) objectRequest { return objectRequest{File: file, Section: sec} }
	tests := []struct {
		line string
		want filterRequest
	}{
		{"dev eth0 ingress bpf da obj foo.o sec p1", filterRequest{Dev: "eth0", Parent: "ingress", Kind: "bpf", Direct: true, Object: obj("foo.o", "p1")}},
		{"dev X ingress pref 1 handle 10 bpf", filterRequest{Dev: "X", Parent: "ingress", Pref: 1, Handle: new(uint32(10)), Kind: "bpf"}},
		{"dev X parent ffff:fff2 p 1 pro ip h 0x10 chain 5 bpf o f", filterRequest{Dev: "X", Parent: "ffff:fff2", Pref: 1, Protocol: "ip", Handle: new(uint32(16)), Chain: new(uint32(5)), Kind: "bpf", Object: obj("f", "")}},
		{"block 7 prio 2 bpf obj f.o", filterRequest{Block: 7, Pref: 2, Kind: "bpf", Object: obj("f.o", "")}},
		{"dev X egress bpf obj f.o da sec s1", filterRequest{Dev: "X", Parent: "egress", Kind: "bpf", Direct: true, Object: obj("f.o", "s1")}},
		{"dev X egress bpf obj f.o da pref 9 sec s1 s", filterRequest{Dev: "X", Parent: "egress", Pref: 9, Kind: "bpf", Direct: true, SkipHW: true, Object: obj("f.o", "s1")}},
		{"dev X egress bpf obj f.o s a d s", filterRequest{Dev: "X", Parent: "egress", Kind: "bpf", Direct: true, SkipHW: true, Object: obj("f.o", "a")}},
		{"dev X egress bpf s obj f.o", filterRequest{Dev: "X", Parent: "egress", Kind: "bpf", SkipHW: true, Object: obj("f.o", "")}},
		{"dev X bpf obj f.o skip_hw skip_sw f 1:1", filterRequest{Dev: "X", Kind: "bpf", SkipHW: true, SkipSW: true, ClassID: "1:1", Object: obj("f.o", "")}},
		{"dev X bpf obj f.o p rate 1mbit", filterRequest{Dev: "X", Kind: "bpf", PoliceBps: "1mbit", Object: obj("f.o", "")}},
		{"dev X bpf b 1,6 run", filterRequest{Dev: "X", Kind: "bpf", Object: objectRequest{Bytecode: "1,6"}}},
		{"dev X bpf bytecode- f.bc", filterRequest{Dev: "X", Kind: "bpf", Object: objectRequest{BytecodeFile: "f.bc"}}},
		{"dev X bpf pi /p", filterRequest{Dev: "X", Kind: "bpf", Object: objectRequest{Pinned: "/p"}}},
		{"dev X bpf obj f.o action mirred egress mirror dev lo action drop", filterRequest{Dev: "X", Kind: "bpf", Object: obj("f.o", ""), Actions: []*action{
			{Kind: "mirred", Direction: "egress", Mirred: "mirror", Dev: "lo"}, {Kind: "gact", Verdict: "drop"},
		}}},
		{"dev X bpf obj f.o action bpf obj g.o index 3 pref 2 sec act", filterRequest{Dev: "X", Kind: "bpf", Pref: 2, Object: obj("f.o", ""), Actions: []*action{
			{Kind: "bpf", Object: obj("g.o", "act"), Index: new(uint32(3))},
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			var got filterRequest
			if err := Parse(filterGrammar(&got, false), strings.Fields(tt.line), nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSyntaxErrors(t *testing.T) {
	link := func() *Node { return linkSetGrammar(new(linkSetRequest)) }
	add := func() *Node { return filterGrammar(new(filterRequest), false) }
	get := func() *Node { return filterGrammar(new(filterRequest), true) }
	object := func() *Node { return objectGrammar(new(objectRequest)) }
	tests := []struct {
		name string
		node func() *Node
		line string
		want string
	}{
		{"nothing", link, "", "command line is not complete: expected DEV"},
		{"no file", link, "eth0 xdp obj", "command line is not complete: expected FILE after obj"},
		{"no program", link, "eth0 xdp", "command line is not complete: expected off, object-file, object-pinned or fd after xdp"},
		{"misspelt", object, "obj f sektion x", `unexpected "sektion", expected section, program, export, verbose; did you mean "section"?`},
		{"misspelt alias", object, "obj f porg x", `unexpected "porg", expected section, program, export, verbose; did you mean "prog"?`},
		{"nothing left", object, "obj f sec x prog y exp z verb more", `unexpected "more", expected the end of the line`},
		{"twice", link, "eth0 xdp obj f sec x sec y", `"sec" given twice`},
		{"twice by prefix", link, "eth0 xdp obj f sect x mtu 3 sect y", `"sect" given twice`},
		{"twice in outer", add, "dev X pref 1 bpf da pref 2", `"pref" given twice`},
		{"twice is not another group's", add, "dev X bpf obj f action bpf obj g sec a sect b", `"sect" given twice`},
		{"off after obj", link, "eth0 xdp obj f off", `"off" cannot be given together with "obj"`},
		{"obj after off", link, "eth0 xdp off obj f", `"obj" cannot be given together with "off"`},
		{"two modes", link, "eth0 xdp off xdpgeneric off", `"xdpgeneric" cannot be given together with "xdp"`},
		{"dev and block", add, "block 3 dev X", `"dev" cannot be given together with "block"`},
		{"second parent", add, "dev X ingress egress", `"egress" cannot be given together with "ingress"`},
		{"bad number", add, "dev X handle x10", `invalid value "x10" for handle: not a number`},
		{"range", add, "dev X pref 65536", `invalid value "65536" for preference: not in 0..65535`},
		{"get without all", get, "dev X ingress bpf", "command line is not complete: expected handle, preference or protocol"},
		{"no device", add, "pref 1", "command line is not complete: expected dev or block"},
		{"empty word", object, "obj f ''", `unexpected "", expected section, program, export, verbose`},
		{"exact word shortened", link, "eth0 xdpg off", `unexpected "xdpg", expected xdp, xdpgeneric, xdpdrv, xdpoffload, mtu, up; did you mean "xdpgeneric"?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			words := strings.Fields(strings.ReplaceAll(tt.line, "''", "\x00"))
			for i := range words {
				words[i] = strings.Trim(words[i], "\x00")
			}
			err := Parse(tt.node(), words, nil)
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
