package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/cli"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/load"
)

// TestDumpHidden changes what a machine shows, which a guest is for.
func TestDumpHidden(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.JIT, bpftest.Guest)
	setting(t, "kernel/kptr_restrict", "2")
	for _, tt := range []struct{ object, program, harden, xlated, jited string }{
		{object: "subprog.o", program: "xdp_global", harden: "0", xlated: "the kernel hides the addresses", jited: "the kernel hides the machine code"},
		{object: "count.o", program: "xdp_count", harden: "2", xlated: "the kernel hides the rewritten instructions", jited: "the kernel hides the machine code"},
	} {
		t.Run("harden "+tt.harden, func(t *testing.T) {
			setting(t, "net/core/bpf_jit_harden", tt.harden)
			obj, err := elf.Open(testobj.Path(t, tt.object))
			if err != nil {
				t.Fatal(err)
			}
			l, err := load.Load(t.Context(), obj, load.Options{Select: elf.Selector{Program: tt.program}})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for kind, want := range map[string]string{"xlated": tt.xlated, "jited": tt.jited} {
				said := dumpSays(t, l.Program().ID, kind)
				if !strings.Contains(said, want) || !strings.Contains(said, "kernel.kptr_restrict is 2") {
					t.Errorf("%s: %s", kind, said)
				}
			}
		})
	}
}

// dumpSays returns all that the command prints.
func dumpSays(t *testing.T, id uint32, kind string) string {
	var out bytes.Buffer
	cli.Run(t.Context(), "devel", []string{"xdpload", "prog", "dump", "id", fmt.Sprint(id), kind}, strings.NewReader(""), &out, &out)
	return out.String()
}

// setting changes a setting of the machine's first network namespace while the test runs.
func setting(t *testing.T, name, value string) {
	t.Helper()
	path := "/proc/sys/" + name
	set := func(value string) (before string) {
		err := netns.Do("/proc/1/ns/net", func() error {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			before = strings.TrimSpace(string(text))
			return os.WriteFile(path, []byte(value), 0)
		})
		if err != nil {
			t.Fatal(err)
		}
		return before
	}
	before := set(value)
	t.Cleanup(func() { set(before) })
}
