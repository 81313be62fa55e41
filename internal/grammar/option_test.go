package grammar

import (
	"errors"
	"strings"
	"testing"
)

// TestOptions: an option may stand after the command, unless the word is one of
// the grammar's, or the value of a keyword.
func TestOptions(t *testing.T) {
	tests := []struct{ line, options, want string }{
		{"link set eth0 xdp obj f -j", "json", "{Dev:eth0 File:f}"},
		{"link set eth0 -x", "", "unexpected"},
		{"link -j show lo", "json", "show lo"},
		{"-j link -n ns show", "json netns=ns", "show "},
		{"link -j", "json", "show "},
		{"-force link", "force", "show "},
		{"link set eth0 up -forc", "", "unexpected"},
		{"link show lo -json", "json", "show lo"},
		{"link show -json lo", "json", "show lo"},
		{"link show dev -j", "", "show -j"},
		{"link show dev -j -j", "json", "show -j"},
		{"link show -x", "", "show -x"},
		{"link show -- -j", "", "show -j"},
		{"link show -- dev -- -j", "", "unexpected \"-j\""},
		{"link set -n ns eth0 up -b=x xdp -j fd 3", "netns=ns batch=x json", "FD:3"},
		{"link set eth0 xdp fd -1", "", "\"-1\""},
		{"link set eth0 xdp obj -netns sec -j", "", "File:-netns Section:-j"},
		{"link set eth0 xdp off -netns", "", "netns wants NAME"},
		{"tc -j filter add dev X bpf obj - da -j", "json json", "File:- "},
		{"tc exec bpf run -j -- x", "", "run|-j|--|x"},
		{"tc exec bpf graft -j m obj f", "json", "m f"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			var options []string
			got, err := readFixture(strings.Fields(tt.line), testOptions(&options))
			if err != nil {
				got = err.Error()
			}
			if strings.Join(options, " ") != tt.options {
				t.Errorf("options %q, want %q", options, tt.options)
			}
			for want := range strings.FieldsSeq(strings.Trim(tt.want, "{}")) {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

func readFixture(words []string, options *Options) (string, error) {
	c, words, err := fixtureTable().Lookup(words, options)
	if err != nil {
		return "", err
	}
	run, err := c.Parse(words, options)
	if err != nil {
		return "", err
	}
	return run(), nil
}

// testOptions notes the options of the fixture.
func testOptions(got *[]string) *Options {
	known := fixtureManual().Options
	return &Options{Known: known, Store: func(i int, value string, given bool) error {
		name := known[i].Names[0]
		switch {
		case !given:
			return errors.New(name + " wants " + known[i].Arg)
		case known[i].Arg != "":
			name += "=" + value
		}
		*got = append(*got, name)
		return nil
	}}
}
