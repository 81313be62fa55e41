package grammar

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLookup(t *testing.T) {
	tests := []struct {
		line, command, rest string
	}{
		{"link set dev eth0", "link set", "dev eth0"},
		{"l s eth0", "link set", "eth0"},
		{"l sh eth0", "link show", "eth0"},
		{"li lst", "link show", ""},
		{"link c x", "link set", "x"},
		{"link", "link show", ""},
		{"tc filter", "tc filter show", ""},
		{"tc f a dev X", "tc filter add", "dev X"},
		{"tc f c", "tc filter change", ""},
		{"tc f l dev X", "tc filter show", "dev X"},
		{"tc filter del x", "tc filter delete", "x"},
		{"tcx s", "tcx show", ""},
		{"tc exec bpf", "tc exec bpf", ""},
		{"tc exec bpf import x", "tc exec bpf", "import x"},
		{"tc e b g p obj f", "tc exec bpf graft", "p obj f"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			c, rest, err := fixtureTable().Lookup(strings.Fields(tt.line), nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.Title() != tt.command || strings.Join(rest, " ") != tt.rest {
				t.Errorf("got %q with %q", c.Title(), rest)
			}
		})
	}
}

func TestLookupErrors(t *testing.T) {
	tests := []struct{ line, want string }{
		{"", "command line is not complete: expected link, tc or tcx"},
		{"lnik show", `unexpected "lnik", expected link, tc, tcx; did you mean "link"?`},
		{"tc", "command line is not complete: expected filter or exec after tc"},
		{"link dev eth0", `unexpected "dev", expected set, show`},
		{"tc filter shwo", `unexpected "shwo", expected add, change, replace, delete, get, show; did you mean "show"?`},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			_, _, err := fixtureTable().Lookup(strings.Fields(tt.line), nil)
			if _, ok := errors.AsType[*SyntaxError](err); !ok {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHelpRequests(t *testing.T) {
	tests := []struct{ line, command, items string }{
		{"help", "", "link tc tcx"},
		{"-h", "", "link tc tcx"},
		{"help help", "", "link tc tcx"},
		{"h -h link help", "link", "set show"},
		{"help tc exec bpf", "tc exec bpf", ""},
		{"link help", "link", "set show"},
		{"link set help", "link set", "dev DEV"},
		{"help link set", "link set", "dev DEV"},
		{"help link", "link", "set show"},
		{"link set eth0 h", "link set", "xdp xdpgeneric xdpdrv xdpoffload mtu up"},
		{"link set eth0 xdp obj help", "link set", "FILE"},
		{"link set eth0 xdp obj f help sec", "link set", "section program export verbose mtu up"},
		{"link set eth0 xdp help", "link set", "off object-file object-pinned fd"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			c, rest, err := fixtureTable().Lookup(strings.Fields(tt.line), nil)
			if err == nil {
				_, err = c.Parse(rest, nil)
			}
			help, ok := errors.AsType[*HelpRequest](err)
			if !ok {
				t.Fatalf("got %v, want a HelpRequest", err)
			}
			var names []string
			for _, item := range help.Items {
				names = append(names, item.Name)
			}
			if got := strings.Join(names, " "); help.Command != tt.command || got != tt.items {
				t.Errorf("got %q with %q", help.Command, got)
			}
		})
	}
}

func TestCommandParse(t *testing.T) {
	tests := []struct{ line, want string }{
		{"tc exec bpf run help -- 'x", "run|help|--|'x"},
		{"link show", "show "},
		{"link show dev e", "show e"},
		{"link show e", "show e"},
		{"tc exec bpf graft m:globals/t obj f", "m:globals/t f"},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			c, rest, err := fixtureTable().Lookup(strings.Fields(tt.line), nil)
			if err != nil {
				t.Fatal(err)
			}
			run, err := c.Parse(rest, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := run(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
