package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/bytecodecmd"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/cli"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/pcap"
)

// writeCapture makes a file of packets.
func writeCapture(t *testing.T, frames ...[]byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := pcap.NewWriter(&b, pcap.Ethernet)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.Write(&pcap.Packet{Data: f, Length: len(f), Link: pcap.Ethernet}); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(t.TempDir(), "packets.pcap")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestBytecodeRun(t *testing.T) {
	frames := [][]byte{tcpFrame(1024, 80, 6, 0), tcpFrame(80, 1024, 6, 0), tcpFrame(1024, 81, 6, 0), tcpFrame(1024, 80, 17, 0), tcpFrame(1024, 80, 6, 100)[:30], {}}
	capture := writeCapture(t, frames...)
	tests := []struct {
		name   string
		words  []string
		stdin  string
		status int
		out    []string // lines
		err    string
	}{
		{
			name: "standard input", words: []string{"pcap", capture}, stdin: tcpPort80,
			out: []string{"FILTER INSNS PACKETS ACCEPTED BYTES KEPT MISMATCHES", "standard input 20 6 2 120 0"},
		},
		{
			name: "several", words: []string{"ldb [23] jeq #17, yes ret #0 yes: ret #20", "pcap", capture, "ld #mark ret #1"},
			out: []string{
				"FILTER INSNS PACKETS ACCEPTED BYTES KEPT MISMATCHES", "filter 4 6 1 20 0",
				"filter 2 6 5 5 only in the kernel: instruction 0 (ld #mark): the machine is unable to run it: x/net/bpf has no mark",
			},
		},
		{
			name: "mismatch", words: []string{"pcap", capture, "ldx #33 ldb [23] lsh x ret a"}, status: env.StatusRefused,
			out: []string{
				"FILTER INSNS PACKETS ACCEPTED BYTES KEPT MISMATCHES", "filter 4 6 5 82 5",
				"filter: packet 1 of 60 bytes: x/net/bpf keeps 0, the kernel 12", "filter: packet 2 of 60 bytes: x/net/bpf keeps 0, the kernel 12",
				"filter: packet 3 of 60 bytes: x/net/bpf keeps 0, the kernel 12", "filter: packet 4 of 60 bytes: x/net/bpf keeps 0, the kernel 34",
				"filter: packet 5 of 30 bytes: x/net/bpf keeps 0, the kernel 12",
			},
			err: "packets.pcap: x/net/bpf and the kernel differ 5 times\n",
		},
		{name: "both from one", words: []string{"pcap", "-"}, status: env.StatusRefused, err: "standard input cannot be both the packets and a filter\n"},
		{name: "no capture", words: []string{"pcap", filepath.Dir(capture) + "/none", "ret #0"}, status: env.StatusRefused, err: "no such file or directory\n"},
		{name: "not a capture", words: []string{"pcap", "-", "ret #0"}, stdin: "hello, world", status: env.StatusRefused, err: "neither pcap nor pcapng\n"},
		{name: "bad filter", words: []string{"pcap", capture, "div #0 ret a"}, status: env.StatusRefused, err: "xdpload: bytecode run: filter: line 1: div #0: division by zero\n"},
		{name: "no file", words: []string{"ret #0"}, status: env.StatusWords, err: "expected pcap"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, stderr bytes.Buffer
			status := cli.Run(t.Context(), "devel", append([]string{"xdpload", "bytecode", "run"}, tt.words...), strings.NewReader(tt.stdin), &out, &stderr)
			var lines []string
			for line := range strings.Lines(out.String()) {
				lines = append(lines, strings.Join(strings.Fields(line), " "))
			}
			if status != tt.status || strings.Join(lines, "\n") != strings.Join(tt.out, "\n") || !strings.Contains(stderr.String(), tt.err) {
				t.Errorf("status %d\n%s%s", status, strings.Join(lines, "\n"), &stderr)
			}
		})
	}
}

func TestBytecodeRunJSON(t *testing.T) {
	capture := writeCapture(t, tcpFrame(1024, 80, 6, 0), tcpFrame(1024, 81, 6, 0))
	var out, stderr bytes.Buffer
	status := cli.Run(t.Context(), "devel", []string{"xdpload", "-json", "-details", "bytecode", "run", "pcap", capture}, strings.NewReader(tcpPort80), &out, &stderr)
	if status != env.StatusDone {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	var got bytecodecmd.RunsReport
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	f := got.Filters[0]
	if got.Packets != 2 || got.Bytes != 120 || f.Accepted != 1 || f.Kept != 60 || len(f.Differ) != 0 || len(f.Verdicts) != 2 || f.Verdicts[1].Kernel != 0 || *f.Verdicts[0].VM != 60 {
		t.Errorf("got %s", &out)
	}
}
