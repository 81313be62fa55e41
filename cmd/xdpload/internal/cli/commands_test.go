package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
)

// TestLinesOfOneGroup: a line is read by its group as it is by the whole table, also
// where a word is short, wrong or missing.
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
			want, wantErr := parse(all, line, nil)
			got, err := read(new(env.Env), line)
			switch {
			case title(got) != title(want):
				t.Errorf("%q: %q, want %q", line, title(got), title(want))
			case (err == nil) != (wantErr == nil), err != nil && err.Error() != wantErr.Error():
				t.Errorf("%q: error %v, want %v", line, err, wantErr)
			}
		}
	}
}

func title(j job) string {
	if j.command == nil {
		return ""
	}
	return j.command.Title()
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
				if _, err := read(new(env.Env), words); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
