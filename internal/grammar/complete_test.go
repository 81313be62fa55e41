package grammar

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestComplete(t *testing.T) {
	tests := []struct {
		line string // the last word is the one under the cursor; _ is an empty one
		want string
		kind string
	}{
		{"_", "link tc tcx", ""},
		{"t", "tc tcx", ""},
		{"link _", "set show", ""},
		{"link l", "list", ""},
		{"link set _", "dev", "device"},
		{"link set dev _", "", "device"},
		{"link set eth0 _", "xdp xdpgeneric xdpdrv xdpoffload mtu up", ""},
		{"link set eth0 xdp _", "off object-file object-pinned fd", ""},
		{"link set eth0 xdp obj", "object-file object-pinned", ""},
		{"link set eth0 xdp pi", "pinned", ""},
		{"link set eth0 xdp obj _", "", "file"},
		{"link set eth0 xdp obj f _", "section program export verbose mtu up", ""},
		{"link set eth0 xdp obj f sec _", "", "section"},
		{"link set eth0 xdp obj f mtu bad s", "section", ""},
		{"link set eth0 xdp obj f garbage _", "", ""},
		{"tc filter add dev X protocol i", "ip ipv6", ""},
		{"tc f a d", "dev", ""},
		{"tc exec bpf _", "graft", ""},
		{"tc exec bpf graft p obj _", "", "file"},
		{"-", "-json -netns -batch -force", ""},
		{"--n", "--netns", ""},
		{"-n _", "", "netns"},
		{"-n ns -json link se", "set", ""},
		{"-netns=ns link se", "set", ""},
		{"-unknown link se", "set", ""},
		{"link -json se", "set", ""},
		{"link set eth0 -json xdp pi", "pinned", ""},
		{"link set eth0 -netns _", "", "netns"},
		{"link set eth0 xdp obj f -", "-json -netns -batch -force", ""},
		{"link show -", "-json -netns -batch", "device"},
		{"link set eth0 xdp obj -", "", "file"},
		{"link --j", "--json", ""},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			words := strings.Fields(tt.line)
			last := len(words) - 1
			c := fixtureTable().Complete(fixtureManual(), words[:last], strings.Trim(words[last], "_"))
			var got []string
			for _, cand := range c.Candidates {
				got = append(got, cand.Word)
			}
			kind := ""
			for _, k := range c.Kinds {
				kind += string(k)
			}
			if strings.Join(got, " ") != tt.want || kind != tt.kind {
				t.Errorf("got %q and kind %q", got, kind)
			}
		})
	}
}

func TestCompletionKnowsValues(t *testing.T) {
	c := fixtureTable().Complete(fixtureManual(), strings.Fields("link set eth0 xdp obj foo.o sec"), "")
	want := []Bound{{"DEV", Device, "eth0"}, {"FILE", File, "foo.o"}}
	if diff := cmp.Diff(want, c.Bound); diff != "" {
		t.Error(diff)
	}
}

func TestCompletionWrite(t *testing.T) {
	tests := []struct {
		name  string
		kinds []Kind
		want  string
	}{
		{"words", []Kind{Device}, "sec\tthe `section`\n:\n"},
		{"file", []Kind{File}, "sec\tthe section\n:file\n"},
		{"directory", []Kind{Directory}, "sec\tthe section\n:directory\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &Completion{Current: "s", Kinds: tt.kinds}
			c.Offer("sec", "the `section`")
			c.Offer("x", "does not complete s")
			c.Offer("s\tx", "cannot be told")
			var b strings.Builder
			if err := c.Write(&b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(plainText(tt.want), b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
