package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
)

// TestUseless: a command takes the options that it names and those of all, a batch what
// one of its lines takes, and ip and tc let every option pass.
func TestUseless(t *testing.T) {
	all := commands()
	line := func(title string) batchLine {
		i := slices.IndexFunc(all, func(c env.Command) bool { return c.Title() == title })
		return batchLine{job: job{command: &all[i]}}
	}
	tests := []struct {
		lines, options, tool, batch string
		want                        string // of the error
	}{
		{"link set", "json netns force idempotent", "xdpload", "", ""},
		{"link set", "echo", "xdpload", "", "-echo is for tc filter add, tc filter change, tc filter replace, tc filter delete"},
		{"link set", "echo statistics", "ip", "", ""},
		{"link set", "continue", "xdpload", "", "-continue is for a batch"},
		{"link show", "force", "xdpload", "", "-force is for "},
		{"link show", "force continue", "xdpload", "b", ""},
		{"link show", "replace", "xdpload", "b", "-replace is for "},
		{"tc qdisc add,link show", "idempotent statistics", "xdpload", "b", ""},
		{"tc qdisc add,link show", "atomic", "xdpload", "b", "-atomic is for link set, tc filter add, tc filter change, tc filter replace"},
		{"", "idempotent", "xdpload", "b", ""},
	}
	for _, tt := range tests {
		t.Run(tt.lines+" "+tt.options, func(t *testing.T) {
			var lines []batchLine
			for _, title := range strings.FieldsFunc(tt.lines, func(r rune) bool { return r == ',' }) {
				lines = append(lines, line(title))
			}
			e := &env.Env{Tool: env.Tool(tt.tool)}
			e.Given, e.Batch = strings.Fields(tt.options), tt.batch
			got := ""
			if err := useless(e, lines); err != nil {
				got = err.Error()
			}
			if got != tt.want && (!strings.HasSuffix(tt.want, " for ") || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestUsesOfOptions: what commands have among their options is an option's use.
func TestUsesOfOptions(t *testing.T) {
	var uses []string
	for _, o := range options(new(env.Globals)) {
		uses = append(uses, o.use)
	}
	for _, c := range commands() {
		for use := range strings.FieldsSeq(c.Options) {
			if !slices.Contains(uses, use) {
				t.Errorf("%s: no option is used for %q", c.Title(), use)
			}
		}
	}
}
