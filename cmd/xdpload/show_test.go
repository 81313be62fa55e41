package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/cli"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/testobj"
)

// runIn runs the program within the process, in a network namespace.
func runIn(t *testing.T, ns *bpftest.Namespace, words ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := -1
	err := netns.Do(ns.Name, func() error {
		status = cli.Run(t.Context(), "devel", words, strings.NewReader(""), &stdout, &stderr)
		return nil
	})
	if err != nil || status != env.StatusDone {
		t.Fatalf("%v: status %d, %v: %s", words, status, err, stderr.String())
	}
	return stdout.String()
}

func output(t *testing.T, ns *bpftest.Namespace, words ...string) string {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := ns.Run(cmd); err != nil {
		t.Fatalf("%v: %v: %s", words, err, stderr.String())
	}
	return out.String()
}

// shown is a namespace with a native program, a generic one, and a device
// without any.
func shown(t *testing.T) *bpftest.Namespace {
	t.Helper()
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	ns.Veth("v0", "v1")
	runIn(t, ns, "xdpload", "link", "set", "v0", "xdp", "obj", testobj.Path(t, "count.o"), "section", "xdp")
	runIn(t, ns, "xdpload", "link", "set", "v1", "xdpgeneric", "obj", testobj.Path(t, "tiny.o"))
	return ns
}

// TestShowHasTheKeysOfIP: a script that reads `ip -json link` reads ours.
func TestShowHasTheKeysOfIP(t *testing.T) { bpftest.EachPeer(t, testKeysOfIP, "ip") }

func testKeysOfIP(t *testing.T, _ bool) {
	ns := shown(t)
	for _, options := range [][]string{{"-json"}, {"-json", "-details"}} {
		t.Run(strings.Join(options, " "), func(t *testing.T) {
			words := append(options, "link", "show")
			theirs := decode(t, output(t, ns, append([]string{"ip"}, words...)...))
			for _, name := range []string{"xdpload", "ip"} {
				ours := decode(t, runIn(t, ns, append([]string{name}, words...)...))
				for _, missing := range lacks(ours, theirs, name) {
					t.Error(missing)
				}
			}
		})
	}
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// lacks lists what of want is not in have.
func lacks(have, want any, path string) (missing []string) {
	switch want := want.(type) {
	case map[string]any:
		object, _ := have.(map[string]any)
		for key, v := range want {
			if _, told := object[key]; key == "inet6_addr_gen_mode" && !told {
				continue // Linux 5.10 tells it beside the statistics only, which later ips do without
			}
			if key == "jited" && !strings.HasPrefix(path, "ip.") {
				v = v == 1.0 // ours is true or false
			}
			missing = append(missing, lacks(object[key], v, path+"."+key)...)
		}
		return missing
	case []any:
		list, _ := have.([]any)
		if len(list) != len(want) {
			return []string{path + ": " + cmp.Diff(want, have)}
		}
		for i, v := range want {
			missing = append(missing, lacks(list[i], v, path)...)
		}
		return missing
	}
	if diff := cmp.Diff(want, have); diff != "" {
		return []string{path + ": " + diff}
	}
	return nil
}

// layout keeps of each counter, which grows to the left, where it ends.
func layout(text string) string {
	return regexp.MustCompile(`(?m)^( +\d+)+ *$`).ReplaceAllStringFunc(text, func(line string) string {
		return regexp.MustCompile(`\d+`).ReplaceAllStringFunc(line, func(n string) string {
			return strings.Repeat(" ", len(n)-1) + "0"
		})
	})
}

// TestShowHasTheLinesOfIP: the same holds for the text.
func TestShowHasTheLinesOfIP(t *testing.T) { bpftest.EachPeer(t, testLinesOfIP, "ip") }

func testLinesOfIP(t *testing.T, _ bool) {
	ns := shown(t)
	header := regexp.MustCompile(`(?m)^\d.*$`)
	theirs := output(t, ns, "ip", "link", "show")
	if diff := cmp.Diff(header.FindAllString(theirs, -1), header.FindAllString(runIn(t, ns, "xdpload", "link", "show"), -1)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(theirs, runIn(t, ns, "ip", "link", "show")); diff != "" {
		t.Error(diff)
	}
	for _, words := range [][]string{{"-s", "link", "show"}, {"-s", "link", "show", "dev", "lo"}} {
		theirs, ours := output(t, ns, append([]string{"ip"}, words...)...), runIn(t, ns, append([]string{"ip"}, words...)...)
		if diff := cmp.Diff(layout(theirs), layout(ours)); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff(output(t, ns, "ip", "-br", "link"), runIn(t, ns, "ip", "-br", "link")); diff != "" {
		t.Error(diff)
	}
}

// TestShowIsThatOfNewestIP: called as ip, the program prints every byte of it.
func TestShowIsThatOfNewestIP(t *testing.T) {
	bpftest.UseNewestPeers(t)
	ns := shown(t)
	for _, options := range []string{"", "-d", "-j", "-j -d", "-br"} {
		words := append(strings.Fields("ip "+options), "link", "show")
		if diff := cmp.Diff(output(t, ns, words...), runIn(t, ns, words...)); diff != "" {
			t.Errorf("%v\n%s", words, diff)
		}
	}
}
