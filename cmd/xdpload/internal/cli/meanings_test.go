package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
)

// TestMeanings: a word of others is answered with a line that can be typed, and is none of
// our own.
func TestMeanings(t *testing.T) {
	seen := make(map[string]bool)
	for _, m := range meanings {
		for words := range strings.SplitSeq(m.words, "|") {
			if seen[words] {
				t.Errorf("%q is there twice", words)
			}
			seen[words] = true
			rest := []string{"DEV", "FILE"}
			if m.words == "action" || strings.Contains(m.line, "WORD") {
				rest = map[string][]string{
					"chain": {"show", "dev", "DEV"}, "exec": {"bpf", "debug"}, "action": {"show", "action", "bpf"}, "actions": {"show", "action", "bpf"},
				}[words]
			}
			_, err := read(&env.Env{Tool: env.ToolXDPLoad}, slices.Concat(strings.Fields(words), rest))
			lines := Hints(err)
			if err == nil || len(lines) != 1 || strings.Contains(err.Error(), "did you mean") {
				t.Errorf("%q: %v, hints %q", words, err, lines)
				continue
			}
			line := strings.NewReplacer("PACKET", "p").Replace(lines[0])
			if _, err := read(&env.Env{Tool: env.ToolXDPLoad}, strings.Fields(line)[1:]); err != nil {
				t.Errorf("%q: %s: %v", words, line, err)
			}
		}
	}
}

// TestMeaningsOfLines: what the user has typed is in the answer.
func TestMeaningsOfLines(t *testing.T) {
	for line, want := range map[string]string{
		"load -m skb eth0 foo.o":                "xdpload link set dev eth0 xdp obj foo.o",
		"unload eth0 --all":                     "xdpload link set dev eth0 xdp off",
		"unload -i 5 eth0":                      "xdpload link set dev eth0 xdp off",
		"prog loadall foo.o /sys/fs/bpf/foo":    "xdpload prog load obj foo.o all pin DIR",
		"net attach xdp id 7 dev eth0":          "xdpload link set dev eth0 xdp obj FILE",
		"filter add dev eth0 ingress bpf obj x": "xdpload tc filter add dev eth0 ingress bpf obj x",
		"load a;b foo.o":                        "xdpload link set dev 'a;b' xdp obj foo.o",
		"statsu":                                "xdpload help",
	} {
		_, err := read(&env.Env{Tool: env.ToolXDPLoad}, strings.Fields(line))
		if got := Hints(err); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
