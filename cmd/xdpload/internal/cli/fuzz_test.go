package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

// FuzzParse: whatever the words, reading them ends in a command, a help text
// or an error that can be printed.
func FuzzParse(f *testing.F) {
	for _, c := range commands() {
		f.Add("xdpload", c.Title()+" dev v0 xdp obj f.o sec s")
		for _, example := range c.Examples {
			f.Add("xdpload", strings.TrimPrefix(example.Line, "xdpload "))
		}
	}
	f.Add("tc", "filter add dev v0 ingress bpf da obj f.o")
	f.Add("ip", "-j -d li sh help")
	f.Add("xdpload", "-n -j link -force set dev -x xdp -b=f -- -j obj f.o --jobs")
	f.Add("xdpload", "link set dev v0 xdp obj '' set a= map m id 0 tail a:=b --help")
	f.Fuzz(func(t *testing.T, name, line string) {
		var words []string
		for l, err := range grammar.Lines(strings.NewReader(line)) {
			if err != nil {
				return
			}
			words = append(words, l.Words...)
		}
		e := &env.Env{Tool: env.ToolOf(name)}
		_, err := read(e, words)
		if request, ok := errors.AsType[*grammar.HelpRequest](err); ok {
			var b strings.Builder
			if err := commands().WriteHelp(&b, manual(), request, helpWidth); err != nil || b.Len() == 0 {
				t.Errorf("help: %v", err)
			}
			return
		}
		if err != nil && (err.Error() == "" || failure(err).Status != env.StatusWords) {
			t.Errorf("%q: %v", words, err)
		}
	})
}

// FuzzComplete: completion answers any words, and proposes only what goes on.
func FuzzComplete(f *testing.F) {
	f.Add("link set dev v0 xdp obj f.o", "s")
	f.Add("-json link", "")
	f.Fuzz(func(t *testing.T, line, current string) {
		c := commands().Complete(manual(), strings.Fields(line), current)
		var b strings.Builder
		if err := c.Write(&b); err != nil {
			t.Fatal(err)
		}
	})
}
