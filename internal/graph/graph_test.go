// Package graph holds the module's import graph: which package knows which, as
// docs/architecture.md draws it, and who alone uses what is not the module's.
package graph

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/xdpload/xdpload"

// A rule says something of packages, which stand between spaces: those of the
// module as "./elf", "*" is a part of a name, and "/..." all that is below too.
type rule struct{ packages, list string }

// arrows say which packages of the module a package imports: those of its list,
// and what arrows lead to from there.
var arrows = []rule{
	{"./cmd/xdpload", "./cmd/xdpload/internal/cli ./cmd/xdpload/internal/start"},
	{"./cmd/xdpload/internal/cli", "./cmd/xdpload/internal/*cmd"},
	{"./cmd/xdpload/internal/*cmd", "./cmd/xdpload/internal/subject"},
	{"./cmd/xdpload/internal/subject", "./cmd/xdpload/internal/env"},
	{"./cmd/xdpload/internal/env", ". ./elf/check ./elf/diff ./elf/graph ./elf/rewrite ./internal/classic/convert ./internal/classic/machine " +
		"./internal/events ./internal/grammar ./internal/mapdata ./internal/netns ./internal/pcap ./internal/readback ./internal/render"},
	{".", "./attach ./load"},
	{"./attach", "./prog"},
	{"./load", "./prog ./internal/kerneltypes ./internal/mapdata"},
	{"./prog", "./elf ./netlink ./offload ./pin"},
	{"./offload", "./elf ./netlink ./internal/sys"},
	{"./netlink", "./internal/classic ./internal/netns"},
	{"./pin", "./internal/kernelname ./internal/sys"},
	{"./elf/check ./elf/diff ./elf/graph ./elf/rewrite", "./elf/listing"},
	{"./elf/listing", "./elf"},
	{"./elf", "./elf/insn ./elf/internal/image ./elf/internal/naming ./internal/kernelname"},
	{"./elf/internal/image ./internal/kerneltypes", "./internal/btfwire"},
	{"./internal/classic/convert", "./elf/listing ./internal/classic"},
	{"./internal/classic/machine", "./internal/classic"},
	{"./internal/events", "./internal/kernelname"},
	{"./internal/mapdata", "./internal/btfjson ./internal/kernelname ./internal/sys"},
	{"./internal/readback", "./elf/listing ./internal/disasm/* ./internal/sys"},
	{"./internal/disasm/*", "./internal/disasm"},
	{"./internal/bpftest", "./netlink ./internal/isolate ./internal/need ./internal/netns ./internal/peers ./internal/sys/intercept"},
	{"./internal/bpftest ./internal/bpftest/noise", "./netlink ./internal/sys ./internal/testdev"},
	{"./internal/bpftest/lab", ". ./internal/bpftest ./internal/testobj"},
	{"./internal/testreport", "./internal/testreport/summary"},
	{"./examples/demo/show", "./netlink ./internal/testdev"},
}

// owners say who alone imports a package, besides its own tests; "tests" are those
// of every package. The packages of other modules are all here.
var owners = []rule{
	{". ./attach ./load", ". ./cmd/... ./attach ./load ./prog ./internal/bpftest/lab"}, // not even a test of what is below these knows them
	{"debug/elf", "./elf/..."},
	{"testing", "./internal/bpftest/... ./internal/need ./internal/testobj tests"},
	{"unsafe", "./internal/sys/..."},
	{"./internal/sys", "./attach ./load ./prog ./offload ./pin ./internal/mapdata ./internal/readback ./internal/bpftest/... tests"}, // bpf(2)
	{"./internal/bpftest/... ./internal/isolate ./internal/need ./internal/peers ./internal/sys/intercept ./internal/testobj", "./internal/bpftest/... tests"},
	{"./internal/testdev", "./internal/bpftest/... ./examples/... tests"},
	{"./internal/netns", "./netlink ./cmd/... ./internal/bpftest tests"}, // setns(2)
	{"github.com/cilium/ebpf", "./attach ./load ./prog ./elf/... ./offload ./pin ./cmd/... ./internal/events ./internal/kernelname ./internal/mapdata ./internal/bpftest/... ./examples/... tests"},
	{"github.com/cilium/ebpf/features", "./internal/bpftest"},
	{"github.com/cilium/ebpf/perf github.com/cilium/ebpf/ringbuf", "./internal/events"},
	{"github.com/cilium/ebpf/asm", "./load ./elf ./elf/insn ./offload ./internal/bpftest/... tests"},
	{"github.com/cilium/ebpf/btf", "./load ./elf/... ./offload ./pin ./internal/btfjson ./internal/kerneltypes ./internal/mapdata ./internal/readback tests"},
	{"github.com/google/go-cmp/...", "./internal/bpftest/lab tests"},
	{"github.com/cilium/ebpf/link github.com/cloudflare/cbpfc github.com/rogpeppe/go-internal/...", "tests"},
	{"github.com/jsimonetti/rtnetlink/v2 github.com/mdlayher/...", "./netlink ./internal/testdev"},
	{"github.com/urfave/cli/v2", "./cmd/xdpload/internal/cli"},
	{"golang.org/x/arch/...", "./internal/disasm/*"},
	{"golang.org/x/net/bpf", "./internal/classic/machine tests"},
	{"golang.org/x/sys/unix", "./attach ./load ./prog ./netlink ./offload ./pin ./cmd/... ./examples/... ./internal/bpftest/... ./internal/classic/machine " +
		"./internal/isolate ./internal/kerneltypes ./internal/mapdata ./internal/need ./internal/netns ./internal/sys/... ./internal/testdev tests"},
}

// violations checks the imports of packages. Those of the tests of ./elf are under
// "./elf tests".
func violations(imports map[string][]string) (found []string) {
	for _, from := range slices.Sorted(maps.Keys(imports)) {
		for _, to := range imports[from] {
			if why := violation(from, to); why != "" {
				found = append(found, fmt.Sprintf("%s: import of %s: %s", from, to, why))
			}
		}
	}
	return found
}

func violation(from, to string) string {
	own, ofTests := strings.CutSuffix(from, " tests")
	owned := slices.IndexFunc(owners, func(r rule) bool { return matches(r.packages, to) })
	first, _, _ := strings.Cut(to, "/")
	switch {
	case owned >= 0 && !matches(owners[owned].list, own) && !(ofTests && (to == own || matches(owners[owned].list, "tests"))):
		return "only for " + owners[owned].list
	case owned < 0 && first != "." && strings.Contains(first, "."):
		return "no rule says who may"
	case !ofTests && first == "." && !leads(from, to):
		return "no arrow leads there"
	}
	return ""
}

// leads reports whether arrows lead from a package to another.
func leads(from, to string) bool {
	for _, a := range arrows {
		if !matches(a.packages, from) {
			continue
		}
		for next := range strings.FieldsSeq(a.list) {
			if matches(next, to) || leads(next, to) {
				return true
			}
		}
	}
	return false
}

func matches(patterns, name string) bool {
	return slices.ContainsFunc(strings.Fields(patterns), func(pattern string) bool {
		top, below := strings.CutSuffix(pattern, "/...")
		same, err := path.Match(top, name)
		return err == nil && same || below && strings.HasPrefix(name, top+"/")
	})
}

func TestGraph(t *testing.T) {
	imports, err := tree("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".", "./elf", "./elf tests", "./cmd/xdpload"} {
		if imports[name] == nil {
			t.Errorf("no imports of %s were found", name)
		}
	}
	for _, v := range violations(imports) {
		t.Error(v)
	}
}

// tree returns the imports of a module's packages, for whatever machine. It reads
// the files by itself: what a go command reads would not count when the result of
// this test is cached.
func tree(root string) (map[string][]string, error) {
	all := build.Default
	all.UseAllFiles = true
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); dir != root && (err == nil || d.Name() == "testdata" || d.Name()[0] == '.') {
			return filepath.SkipDir
		}
		p, err := all.ImportDir(dir, 0)
		if _, none := errors.AsType[*build.NoGoError](err); none {
			return nil
		}
		name := local(module + strings.TrimPrefix(filepath.ToSlash(dir), root))
		imports[name] = locals(p.Imports)
		imports[name+" tests"] = locals(append(p.TestImports, p.XTestImports...))
		return err
	})
	return imports, err
}

// local makes "./elf" of the path of a package of the module.
func local(importPath string) string {
	below, ok := strings.CutPrefix(importPath+"/", module+"/")
	if !ok {
		return importPath
	}
	return strings.TrimSuffix("./"+below, "/")
}

func locals(importPaths []string) (names []string) {
	for _, p := range importPaths {
		names = append(names, local(p))
	}
	return names
}
