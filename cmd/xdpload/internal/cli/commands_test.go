package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
)

// TestLinesOfOneGroup: the table that is built for a line reads it as the whole
// table does, also where a word is short, wrong or missing.
func TestLinesOfOneGroup(t *testing.T) {
	all := commands()
	for i := range all {
		words := strings.Fields(all[i].Title())
		last := len(words) - 1
		lines := [][]string{
			words,
			words[:1],
			append(slices.Clone(words), "help"),
			append(slices.Clone(words), "nonsense"),
			append(slices.Clone(words[:last]), "nonsense"),
			append(slices.Clone(words[:last]), words[last][:1]),
		}
		for _, line := range lines {
			want, wantRest, wantErr := all.Lookup(line)
			few := commandsFor(line)
			got, rest, err := few.Lookup(line)
			switch {
			case (want == nil) != (got == nil), want != nil && want.Name != got.Name:
				t.Errorf("%q: %v, want %v", line, got, want)
			case len(rest) != len(wantRest):
				t.Errorf("%q: %q is left, want %q", line, rest, wantRest)
			case (err == nil) != (wantErr == nil), err != nil && err.Error() != wantErr.Error():
				t.Errorf("%q: error %v, want %v", line, err, wantErr)
			}
		}
	}
	if few := commandsFor([]string{"link", "set"}); len(few) != len(linkCommands()) {
		t.Errorf("link set: a table of %d commands", len(few))
	}
}

// BenchmarkParse is what a start does with its words: it builds the commands'
// trees and reads one line.
func BenchmarkParse(b *testing.B) {
	for _, line := range []string{
		"link set dev eth0 xdp obj foo.o",
		"tc filter replace dev eth0 ingress bpf da obj foo.o sec p1",
		"l s eth0 xdp obj foo.o", // the whole table
	} {
		words := strings.Fields(line)
		b.Run(strings.Join(words[:2], "-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e := env.Env{Tool: env.ToolXDPLoad}
				if _, err := parse(&e, commandsFor(words), words); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
