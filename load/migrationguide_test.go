package load_test

import (
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
)

// TestMigrationGuide: the objects that docs/migration.md shows are the
// fixtures, do the same, and the second reuses the maps of the first.
func TestMigrationGuide(t *testing.T) {
	guide, err := os.ReadFile("../docs/migration.md")
	if err != nil {
		t.Fatal(err)
	}
	b := lab.NewBench(t)
	o := load.Options{Select: elf.Selector{Type: ebpf.SchedCLS}}
	ids := make(map[string]uint32)
	for i, tt := range []struct{ name, section string }{{"migrate_before", ""}, {"migrate_after", "tc"}} {
		source, err := os.ReadFile("../internal/testobj/src/" + tt.name + ".c")
		if err != nil {
			t.Fatal(err)
		}
		_, code, _ := strings.Cut(string(source), "#include \"bpf.h\"\n\n")
		if code == "" || !strings.Contains(string(guide), "```c\n"+code+"```") {
			t.Errorf("the guide does not show %s.c", tt.name)
		}
		o.Select.Section = tt.section
		l, err := b.Try(tt.name+".o", o, b.Ingress())
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, l.Program().ID); got != 2 {
			t.Errorf("%s: verdict %d, want TC_ACT_SHOT", tt.name, got)
		}
		for _, m := range l.Maps {
			if reused := i > 0 && m.Pin != ""; m.Reused != reused || reused && m.ID != ids[m.Name] {
				t.Errorf("%s: map %s has id %d, was %d; reused %v", tt.name, m.Name, m.ID, ids[m.Name], m.Reused)
			}
			ids[m.Name] = m.ID
		}
	}
	b.WantPins("tc/globals/hits", "tc/globals/jmp")
}
