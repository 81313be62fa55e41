package tools

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// packages are the directories of the import graph.
var packages = []string{
	".", "cmd/xdpload", "elf", "elf/listing", "elf/rewrite", "netlink", "offload", "pin", "internal/bpftest",
	"internal/classic", "internal/classic/convert", "internal/classic/machine", "internal/grammar", "internal/isolate", "internal/btfjson", "internal/btfwire", "internal/disasm", "internal/kerneltypes", "internal/mapdata", "internal/netns", "internal/pcap", "internal/readback", "internal/render", "internal/sys", "internal/sys/intercept", "internal/testobj", "internal/vm", "internal/bench",
}

// An edge is one import, by paths below the module or by full paths.
type edge struct {
	from, to string
	list     string // the rule that forbids it
	test     bool   // the import of a test file
}

// The edges of one list must not close a cycle: the compiler would forbid them,
// and the linter would not be heard.
var forbiddenEdges = []edge{
	{from: "cmd/xdpload", to: "github.com/cilium/ebpf/asm", list: "graph-cmd"},
	{from: "cmd/xdpload", to: "github.com/mdlayher/netlink", list: "only-netlink"},
	{from: "cmd/xdpload", to: "internal/sys", list: "graph-cmd"},
	{from: "cmd/xdpload", to: "internal/testobj", list: "only-tests"},

	{from: ".", to: "internal/grammar", list: "graph-root"},
	{from: ".", to: "github.com/cilium/ebpf/link", list: "graph-root"},
	{from: ".", to: "internal/netns", list: "graph-root"},
	{from: ".", to: "internal/render", list: "graph-root"},
	{from: ".", to: "github.com/jsimonetti/rtnetlink/v2", list: "only-netlink"},
	{from: ".", to: "github.com/cilium/ebpf/pin", list: "only-pin"},
	{from: ".", to: "github.com/cilium/ebpf/rlimit", list: "nobody"},
	{from: ".", to: "debug/elf", list: "only-elf"},
	{from: ".", to: "unsafe", list: "only-sys"},
	{from: ".", to: "internal/sys/intercept", list: "only-tests"},
	{from: ".", to: "testing", list: "only-tests"},

	{from: "elf", to: ".", list: "leaves"},
	{from: "elf", to: "netlink", list: "leaf-elf"},
	{from: "elf", to: "offload", list: "leaf-elf"},
	{from: "elf", to: "pin", list: "leaf-elf"},
	{from: "elf", to: "internal/sys", list: "graph-elf"},
	{from: "elf/listing", to: "elf/rewrite", list: "graph-elf"},
	{from: "elf", to: "golang.org/x/sys/unix", list: "graph-elf"},
	{from: "elf", to: "github.com/cilium/ebpf/link", list: "only-root"},
	{from: "elf", to: "unsafe", list: "only-sys"},
	{from: "elf", to: ".", list: "leaves", test: true},
	{from: "elf", to: "pin", list: "leaf-elf", test: true},

	{from: "netlink", to: ".", list: "leaves"},
	{from: "netlink", to: "pin", list: "graph-netlink"},
	{from: "netlink", to: "internal/sys", list: "graph-netlink"},
	{from: "netlink", to: "github.com/cilium/ebpf", list: "graph-netlink"},
	{from: "netlink", to: "debug/elf", list: "only-elf"},

	{from: "offload", to: ".", list: "leaves"},
	{from: "offload", to: "pin", list: "graph-offload"},
	{from: "offload", to: "github.com/mdlayher/genetlink", list: "only-netlink"},
	{from: "offload", to: "github.com/cilium/ebpf/link", list: "only-root"},

	{from: "pin", to: ".", list: "leaves"},
	{from: "pin", to: "internal/netns", list: "graph-pin"},
	{from: "pin", to: "github.com/cilium/ebpf/link", list: "only-root"},
	{from: "pin", to: "github.com/cilium/ebpf/rlimit", list: "nobody"},

	{from: "internal/classic", to: "elf", list: "graph-std-only"},
	{from: "internal/classic", to: "golang.org/x/net/bpf", list: "only-machine"},
	{from: "internal/classic/convert", to: "github.com/cilium/ebpf/asm", list: "graph-classic"},
	{from: "internal/classic/convert", to: "github.com/cloudflare/cbpfc", list: "only-witness"},
	{from: "internal/classic/machine", to: "github.com/cilium/ebpf", list: "graph-machine"},
	{from: "internal/grammar", to: "golang.org/x/sys/unix", list: "graph-std-only"},
	{from: "internal/pcap", to: "golang.org/x/sys/unix", list: "graph-std-only"},
	{from: "internal/render", to: "github.com/cilium/ebpf", list: "graph-std-only"},
	{from: "internal/render", to: "internal/grammar", list: "graph-std-only"},
	{from: "internal/btfjson", to: "internal/render", list: "graph-mapdata"},
	{from: "internal/mapdata", to: "pin", list: "graph-mapdata"},
	{from: "internal/mapdata", to: "unsafe", list: "only-sys"},
	{from: ".", to: "golang.org/x/arch/x86/x86asm", list: "only-disasm"},
	{from: "internal/disasm", to: "elf", list: "graph-disasm"},
	{from: "internal/readback", to: "pin", list: "graph-readback"},
	{from: "internal/readback", to: "golang.org/x/arch/arm64/arm64asm", list: "only-disasm"},
	{from: "internal/btfwire", to: "github.com/cilium/ebpf/btf", list: "graph-std-only"},
	{from: "internal/kerneltypes", to: "internal/sys", list: "graph-kerneltypes"},
	{from: "internal/kerneltypes", to: "github.com/cilium/ebpf", list: "graph-kerneltypes"},
	{from: "internal/netns", to: "github.com/mdlayher/netlink", list: "graph-system"},
	{from: "internal/netns", to: "unsafe", list: "only-sys"},
	{from: "internal/sys", to: "github.com/cilium/ebpf", list: "graph-system"},
	{from: "internal/bpftest", to: ".", list: "leaves"},
	{from: "internal/bpftest", to: "github.com/jsimonetti/rtnetlink/v2", list: "only-netlink"},
	{from: "internal/bpftest", to: "github.com/cilium/ebpf/rlimit", list: "nobody", test: true},
}

// allowedEdges are the graph as it is drawn in docs/architecture.md.
var allowedEdges = []edge{
	{from: "cmd/xdpload", to: "."},
	{from: "cmd/xdpload", to: "elf"},
	{from: "cmd/xdpload", to: "netlink"},
	{from: "cmd/xdpload", to: "pin"},
	{from: "cmd/xdpload", to: "offload"},
	{from: "cmd/xdpload", to: "internal/grammar"},
	{from: "cmd/xdpload", to: "internal/render"},
	{from: "cmd/xdpload", to: "internal/netns"},
	{from: "cmd/xdpload", to: "internal/classic"},
	{from: "cmd/xdpload", to: "internal/classic/convert"},
	{from: "cmd/xdpload", to: "internal/classic/machine"},
	{from: "internal/classic/convert", to: "internal/classic"},
	{from: "internal/classic/convert", to: "elf/listing"},
	{from: "internal/classic/convert", to: "github.com/cloudflare/cbpfc", test: true},
	{from: "internal/classic/machine", to: "internal/classic"},
	{from: "internal/classic/machine", to: "golang.org/x/net/bpf"},
	{from: "cmd/xdpload", to: "internal/mapdata"},
	{from: "internal/kerneltypes", to: "github.com/cilium/ebpf/btf"},
	{from: "internal/kerneltypes", to: "internal/btfwire"},
	{from: "elf", to: "internal/btfwire"},
	{from: "cmd/xdpload", to: "elf/rewrite"},
	{from: "elf/rewrite", to: "elf"},
	{from: "cmd/xdpload", to: "internal/readback"},
	{from: "internal/readback", to: "internal/disasm"},
	{from: "internal/readback", to: "internal/sys"},
	{from: "internal/readback", to: "elf"},
	{from: "internal/disasm", to: "golang.org/x/arch/x86/x86asm"},
	{from: "internal/disasm", to: "golang.org/x/arch/arm64/arm64asm"},
	{from: "internal/mapdata", to: "internal/btfjson"},
	{from: "internal/mapdata", to: "internal/sys"},
	{from: "internal/mapdata", to: "github.com/cilium/ebpf"},
	{from: "internal/btfjson", to: "github.com/cilium/ebpf/btf"},
	{from: "internal/bpftest", to: "internal/sys/intercept"},
	{from: ".", to: "elf"},
	{from: ".", to: "netlink"},
	{from: ".", to: "pin"},
	{from: ".", to: "offload"},
	{from: ".", to: "internal/kerneltypes"},
	{from: ".", to: "github.com/cilium/ebpf"},
	{from: ".", to: "github.com/cilium/ebpf/asm"},
	{from: ".", to: "github.com/cilium/ebpf/btf"},
	{from: "elf", to: "debug/elf"},
	{from: "elf", to: "github.com/cilium/ebpf"},
	{from: "elf", to: "github.com/cilium/ebpf/asm"},
	{from: "elf", to: "github.com/cilium/ebpf/btf"},
	{from: "pin", to: "elf"},
	{from: "pin", to: "internal/sys"},
	{from: "pin", to: "github.com/cilium/ebpf"},
	{from: "pin", to: "github.com/cilium/ebpf/btf"},
	{from: "pin", to: "github.com/cilium/ebpf/pin"},
	{from: "offload", to: "netlink"},
	{from: "offload", to: "internal/sys"},
	{from: "offload", to: "github.com/cilium/ebpf"},
	{from: "netlink", to: "internal/classic"},
	{from: "netlink", to: "github.com/mdlayher/netlink"},
	{from: "netlink", to: "github.com/mdlayher/genetlink"},
	{from: "netlink", to: "github.com/jsimonetti/rtnetlink/v2"},
	{from: "netlink", to: "golang.org/x/sys/unix"},
	{from: "internal/sys", to: "unsafe"},
	{from: "internal/netns", to: "golang.org/x/sys/unix"},
	{from: "elf", to: "internal/testobj", test: true},
	{from: "netlink", to: "internal/bpftest", test: true},
	{from: "netlink", to: "github.com/cilium/ebpf/link", test: true},
	{from: "internal/grammar", to: "github.com/google/go-cmp/cmp", test: true},
	{from: "cmd/xdpload", to: "github.com/rogpeppe/go-internal/testscript", test: true},
}

func forbiddenImports() []planted {
	files := plantedEdges(forbiddenEdges)
	for i, e := range forbiddenEdges {
		files[i].want = fmt.Sprintf("'%s' is not allowed from list '%s'", importPath(e.to), e.list)
	}
	return files
}

func allowedImports() []planted { return plantedEdges(allowedEdges) }

func plantedEdges(edges []edge) []planted {
	var files []planted
	for i, e := range edges {
		name := fmt.Sprintf("edge%d.go", i)
		if e.test {
			name = fmt.Sprintf("edge%d_test.go", i)
		}
		files = append(files, planted{
			path:   filepath.Join(e.from, name),
			source: fmt.Sprintf("package %s\n\nimport _ %q\n", packageName(e.from), importPath(e.to)),
		})
	}
	return files
}

func importPath(to string) string {
	switch {
	case to == ".":
		return modulePath
	case strings.Contains(to, ".") || slices.Contains([]string{"debug/elf", "testing", "unsafe"}, to):
		return to
	}
	return modulePath + "/" + to
}
