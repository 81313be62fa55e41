package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/xdpload/xdpload/internal/testdev"
	"github.com/xdpload/xdpload/netlink"
)

// tcCases are about filters of a clsact qdisc.
func tcCases() []testCase {
	const replace = "tc filter replace dev v0 ingress pref 1 handle 1 bpf da obj tc.o sec classifier"
	both := func(ours, theirs string, reset func(*world) error) []contestant {
		return []contestant{command(ours).after(reset), command(theirs).after(reset)}
	}
	return []testCase{
		{
			name: "tc-replace", about: "replace a filter", setup: withFilters(1),
			contestants: append(both("xdpload "+replace, replace, nil), command("floor filter v0")), calls: true,
			goals: []goal{{wall, "tc", 0.9}},
		},
		{
			name: "tc-batch", about: "add 1,000 filters with the same program", setup: inBatch(withFilters(0)),
			contestants: both("xdpload -batch xdpload.batch", "tc -batch tc.batch", freshClsact),
			goals:       []goal{{wall, "tc", 0.3}},
		},
		{
			name: "tc-show", about: "show 2,000 filters", setup: withFilters(2 * lines),
			contestants: both("xdpload tc filter show dev v0 ingress", "tc filter show dev v0 ingress", nil),
			goals:       []goal{{wall, "tc", 1}},
		},
		{
			name: "tc-show-json", about: "the same as JSON", setup: withFilters(2 * lines),
			contestants: both("xdpload -json tc filter show dev v0 ingress", "tc -j filter show dev v0 ingress", nil),
			goals:       []goal{{wall, "tc", 1}},
		},
	}
}

// withFilters makes a device with n filters on ingress, prefs 1 to n.
func withFilters(n int) func(*world) error {
	return func(w *world) error {
		if err := errors.Join(oneDevice(w), w.AddQdisc(netlink.Clsact(w.device))); err != nil {
			return err
		}
		for pref := range n {
			_, err := w.AddFilter(&netlink.Filter{
				Ifindex: w.device, Parent: netlink.Ingress, Pref: uint16(pref + 1), Handle: 1,
				Protocol: netlink.ProtocolAll, Kind: "bpf",
				BPF: &netlink.BPFFilter{FD: w.classifier.FD(), Name: "tc.o:[classifier]", Direct: true},
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// freshClsact removes all filters.
func freshClsact(w *world) error {
	q := netlink.Clsact(w.device)
	return errors.Join(w.DeleteQdisc(q), w.AddQdisc(q))
}

// inHeavyBatch makes idle devices and a batch that attaches another program of
// heavy8.o to each.
func inHeavyBatch(w *world) error {
	var text strings.Builder
	for i := 1; i <= 8; i++ {
		if err := testdev.AddVeth(fmt.Sprint("v", i), fmt.Sprint("w", i)); err != nil {
			return err
		}
		fmt.Fprintf(&text, "link set dev v%[1]d xdp obj heavy8.o sec xdp/heavy%[1]d\n", i)
	}
	return os.WriteFile(filepath.Join(w.dir, "heavy.batch"), []byte(text.String()), 0o600)
}

// inBatch is a setup that also writes the batch files.
func inBatch(setup func(*world) error) func(*world) error {
	return func(w *world) error {
		for name, line := range map[string]string{
			"link.batch":    "link set dev v%[1]d xdp obj tiny.o sec xdp\n",
			"tc.batch":      "filter add dev v0 ingress pref %[2]d bpf da obj tc.o sec classifier\n",
			"xdpload.batch": "tc filter add dev v0 ingress pref %[2]d bpf da obj tc.o sec classifier\n",
		} {
			var text strings.Builder
			for i := range lines {
				fmt.Fprintf(&text, line, i, i+1)
			}
			if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text.String()), 0o600); err != nil {
				return err
			}
		}
		return setup(w)
	}
}
