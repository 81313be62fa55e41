package graph

import (
	"strings"
	"testing"
)

const (
	noArrow = "no arrow leads there"
	onlyFor = "only for "
	unnamed = "no rule says who may"
)

// planted are imports that the rules forbid: at least one for each rule.
var planted = []struct{ from, to, why string }{
	{"./cmd/xdpload", "./internal/testreport", noArrow},
	{"./cmd/xdpload/internal/cli", "./cmd/xdpload", noArrow},
	{"./cmd/xdpload/internal/linkcmd", "./cmd/xdpload/internal/cli", noArrow},
	{"./cmd/xdpload/internal/linkcmd", "./cmd/xdpload/internal/tccmd", noArrow},
	{"./cmd/xdpload/internal/subject", "./cmd/xdpload/internal/elfcmd", noArrow},
	{"./cmd/xdpload/internal/env", "./cmd/xdpload/internal/subject", noArrow},
	{".", "./cmd/xdpload/internal/env", noArrow},
	{".", "./internal/grammar", noArrow},
	{".", "./internal/render", noArrow},
	{"./attach", "./load", noArrow},
	{"./attach", ".", noArrow},
	{"./load", "./attach", noArrow},
	{"./load", "./internal/netns", onlyFor},
	{"./attach", "./internal/kerneltypes", noArrow},
	{"./prog", "./load", noArrow},
	{"./prog", "./attach", noArrow},
	{"./prog", "./internal/kerneltypes", noArrow},
	{"./offload", "./pin", noArrow},
	{"./offload", "./prog", noArrow},
	{"./netlink", "./elf", noArrow},
	{"./netlink", "./pin", noArrow},
	{"./pin", "./elf", noArrow},
	{"./pin", "./internal/netns", onlyFor},
	{"./elf", "./netlink", noArrow},
	{"./elf", "./pin", noArrow},
	{"./elf", "./offload", noArrow},
	{"./elf", ".", onlyFor},
	{"./elf", "./elf/listing", noArrow},
	{"./elf/check", "./elf/rewrite", noArrow},
	{"./elf/listing", "./elf/rewrite", noArrow},
	{"./elf/internal/image", "./elf", noArrow},
	{"./internal/kerneltypes", "./internal/btfjson", noArrow},
	{"./internal/classic", "./elf", noArrow},
	{"./internal/classic/convert", "./elf/rewrite", noArrow},
	{"./internal/classic/machine", "./elf", noArrow},
	{"./internal/events", "./internal/mapdata", noArrow},
	{"./internal/mapdata", "./pin", noArrow},
	{"./internal/readback", "./pin", noArrow},
	{"./internal/disasm/x86", "./elf", noArrow},
	{"./internal/disasm/x86", "./internal/disasm/arm64", noArrow},
	{"./internal/bpftest", "./elf", noArrow},
	{"./internal/bpftest/lab", "./internal/grammar", noArrow},
	{"./internal/bpftest/noise", "./internal/netns", onlyFor},
	{"./internal/testreport", "./elf", noArrow},
	{"./examples/demo/show", "./pin", noArrow},
	{"./internal/grammar", "./internal/render", noArrow},

	{"./elf tests", ".", onlyFor},
	{"./netlink tests", "./attach", onlyFor},
	{"./offload", "debug/elf", onlyFor},
	{"./load", "testing", onlyFor},
	{"./attach", "unsafe", onlyFor},
	{"./pin tests", "unsafe", onlyFor},
	{"./cmd/xdpload", "./internal/sys", onlyFor},
	{"./cmd/xdpload/internal/progcmd", "./internal/sys", onlyFor},
	{"./load", "./internal/sys/intercept", onlyFor},
	{"./cmd/xdpload/internal/env", "./internal/bpftest", onlyFor},
	{"./cmd/xdpload", "./internal/testobj", onlyFor},
	{"./examples/demo", "./internal/need", onlyFor},
	{"./cmd/xdpload/internal/linkcmd", "./internal/testdev", onlyFor},
	{".", "./internal/isolate", onlyFor},
	{"./cmd/xdpload", "./internal/peers", onlyFor},
	{"./netlink", "github.com/cilium/ebpf", onlyFor},
	{"./cmd/xdpload/internal/elfcmd", "github.com/cilium/ebpf/asm", onlyFor},
	{"./cmd/xdpload/internal/mapcmd", "github.com/cilium/ebpf/btf", onlyFor},
	{"./load", "github.com/cilium/ebpf/features", onlyFor},
	{"./cmd/xdpload/internal/mapcmd", "github.com/cilium/ebpf/ringbuf", onlyFor},
	{"./attach", "github.com/cilium/ebpf/link", onlyFor},
	{"./internal/classic/convert", "github.com/cloudflare/cbpfc", onlyFor},
	{"./elf/diff", "github.com/google/go-cmp/cmp", onlyFor},
	{"./internal/grammar", "github.com/rogpeppe/go-internal/txtar", onlyFor},
	{"./attach", "github.com/jsimonetti/rtnetlink/v2", onlyFor},
	{"./cmd/xdpload/internal/linkcmd", "github.com/mdlayher/netlink", onlyFor},
	{"./offload", "github.com/mdlayher/genetlink", onlyFor},
	{"./cmd/xdpload/internal/linkcmd", "github.com/urfave/cli/v2", onlyFor},
	{"./internal/grammar", "github.com/urfave/cli/v2", onlyFor},
	{"./internal/readback", "golang.org/x/arch/x86/x86asm", onlyFor},
	{"./internal/classic", "golang.org/x/net/bpf", onlyFor},
	{"./elf", "golang.org/x/sys/unix", onlyFor},

	{"./load", "github.com/cilium/ebpf/rlimit", unnamed},
	{"./pin tests", "github.com/cilium/ebpf/rlimit", unnamed},
}

// TestPlanted plants each import in a tree that has no other, and fails where it
// is not found, or a rule forbids none of them.
func TestPlanted(t *testing.T) {
	proven := map[rule]bool{}
	for _, p := range planted {
		t.Run(p.from+" imports "+p.to, func(t *testing.T) {
			found := violations(map[string][]string{p.from: {"fmt", p.to}})
			if want := p.from + ": import of " + p.to + ": " + p.why; len(found) != 1 || !strings.HasPrefix(found[0], want) {
				t.Errorf("found %q, want %q", found, want)
			}
		})
		for _, r := range arrows {
			proven[r] = proven[r] || p.why == noArrow && matches(r.packages, p.from)
		}
		for _, r := range owners {
			proven[r] = proven[r] || p.why == onlyFor && matches(r.packages, p.to)
		}
	}
	for r, ok := range proven {
		if !ok {
			t.Errorf("no planted import proves the rule of %s", r.packages)
		}
	}
}
