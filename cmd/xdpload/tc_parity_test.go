package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/testobj"
)

// tcLacks is what tc does otherwise on purpose, or cannot do, and so is not in
// testdata/parity.txt. Each has a script of its own.
var tcLacks = []struct{ line, reason string }{
	{"filter add dev v0 ingress … without a clsact qdisc", "tc fails after it has loaded the program; here the qdisc is made"},
	{"filter add dev v0 egress … on an ingress qdisc", "tc puts the filter on ingress; here it is refused"},
	{"filter replace … without handle, where a filter has the name", "tc adds another filter; here that one is replaced"},
	{"filter add … bpf obj FILE program NAME", "tc names the filter after the default section; here after the program's own"},
	{"filter add … bpf obj FILE, of an object without section classifier", "tc fails; here the only program for tc is taken"},
	{"filter add … bpf bytecode-file of 3000 instructions", "tc's buffer holds some 2040"},
	{"filter add … bpf bytecode-file -", "tc reads no standard input"},
	{"filter add … bpf obj FILE … pref 1, words of the hook after those of bpf", "tc reads nothing of the hook after the kind"},
	{"filter show dev v0", "tc shows the filters of the root qdisc only"},
	{"filter show dev lo root", "tc shows nothing; here these are the filters of the root qdisc"},
	{"filter get block 7 …", "tc wants a parent"},
	{"qdisc show, of other kinds", "tc shows their options; here what all kinds have"},
	{"filter add dev v0 ingress bpf da", "tc asks the kernel for a filter without a program"},
	{"-brief filter show", "tc fails on every bpf filter"},
	{"filter del … bpf obj FILE", "tc ignores the object and deletes all of the pref"},
}

// TestParity runs every line of testdata/parity.txt through tc and through
// xdpload, which is called by that name, each in a namespace of its own. Beside
// the newest tc, what is printed and the status are the same, too. In an emulated
// guest, where a program takes a quarter of a second to start, the state is not
// compared after every line.
func TestParity(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.EachPeer(t, testParity, "tc", "bpftool")
}

func testParity(t *testing.T, newest bool) {
	dir := parityDir(t)
	theirs := newParitySide(t, dir, "tc")
	ours := newParitySide(t, dir, filepath.Join(dir, "tc"))
	lines, every := 0, 1
	if bpftest.InGuest() {
		every = 16
	}
	file, err := os.Open("testdata/parity.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for line, err := range grammar.Lines(file) {
		if err != nil {
			t.Fatal(err)
		}
		words, fails := line.Words, strings.HasPrefix(line.Words[0], "!")
		otherwise := line.Words[0] == "!~"
		if fails {
			words = words[1:]
		}
		lines++
		at := fmt.Sprintf("testdata/parity.txt:%d: %s", line.Number, strings.Join(words, " "))
		want, got := theirs.tell(words...), ours.tell(words...)
		if fails != (want.status != 0) || fails != (got.status != 0) {
			t.Errorf("%s\ntc: %+v\nxdpload: %+v", at, want, got)
		} else if diff := cmp.Diff(want, got, cmp.AllowUnexported(want)); (diff != "") != otherwise && newest {
			t.Errorf("%s\n(-tc +xdpload)\n%s", at, diff)
		}
		if lines%every != 0 {
			continue
		}
		if diff := cmp.Diff(theirs.state(), ours.state()); diff != "" {
			t.Fatalf("%s\n(-tc +xdpload)\n%s", at, diff)
		}
	}
	if lines < 100 {
		t.Errorf("only %d lines", lines)
	}
	for _, l := range tcLacks {
		t.Logf("not compared: %s: %s", l.line, l.reason)
	}
}

// parityDir has what the lines name.
func parityDir(t *testing.T) string {
	dir := filepath.Dir(testobj.Path(t, "tc.o"))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ddd := "4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n"
	for _, err := range []error{
		os.Symlink(self, filepath.Join(dir, "xdpload")),
		os.Symlink(self, filepath.Join(dir, "tc")),
		os.WriteFile(filepath.Join(dir, "ip.ddd"), []byte(ddd), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A paritySide is one of the two programs and its namespace.
type paritySide struct {
	t       *testing.T
	ns      *bpftest.Namespace
	dir     string
	command []string
}

func newParitySide(t *testing.T, dir string, command ...string) *paritySide {
	s := &paritySide{t: t, ns: bpftest.NewNamespace(t), dir: dir, command: command}
	s.ns.Veth("v0", "v1")
	pinParity(t)
	if out, err := s.exec("tc", "qdisc", "add", "dev", "lo", "root", "handle", "1:", "htb"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return s
}

// pinParity pins the program that the lines name, once.
func pinParity(t *testing.T) {
	const path = "/sys/fs/bpf/parity"
	if _, err := os.Stat(path); err == nil {
		return
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "parity", Type: ebpf.SchedCLS, License: "MIT",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Pin(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
}

func (s *paritySide) exec(name string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := s.execInto(&out, &out, name, args...)
	return out.Bytes(), err
}

// parityResult is what a run says, without what differs between two loads.
type parityResult struct {
	stdout string // on one line with -p
	stderr string // its first line, when it is the kernel that refused: other errors have words of their own
	status int
}

// loadNumbers are those that the kernel gives to a load of a program.
var loadNumbers = regexp.MustCompile(`(\bid |"id":|load_time |"load_time":|btf_id |"btf_id":)[0-9]+`)

func (s *paritySide) Run(words ...string) ([]byte, error) {
	return s.exec(s.command[0], slices.Concat(s.command[1:], words)...)
}

func (s *paritySide) execInto(stdout, stderr io.Writer, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = stdout, stderr, s.dir
	cmd.Env = []string{asProgram + "=1", "PATH=" + os.Getenv("PATH")}
	return s.ns.Run(cmd)
}

// tell runs a line, and keeps apart what it says.
func (s *paritySide) tell(words ...string) parityResult {
	var stdout, stderr strings.Builder
	err := s.execInto(&stdout, &stderr, s.command[0], slices.Concat(s.command[1:], words)...)
	status := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status = exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	first := ""
	if status == env.StatusRefused {
		first, _, _ = strings.Cut(stderr.String(), "\n")
	}
	if slices.Contains(words, "-p") { // the layout is each program's own
		var b bytes.Buffer
		if err := json.Compact(&b, []byte(stdout.String())); err != nil {
			s.t.Fatalf("%v: %v: %s", words, err, stdout.String())
		}
		stdout.Reset()
		stdout.WriteString(b.String())
	}
	return parityResult{loadNumbers.ReplaceAllString(stdout.String(), "${1}N"), first, status}
}

// state is what tc and bpftool see.
func (s *paritySide) state() map[string]any {
	s.t.Helper()
	all := make(map[string]any)
	see := func(name string, args ...string) {
		out, err := s.exec(name, args...)
		what := strings.Join(args, " ")
		if err != nil && !strings.Contains(what, " block ") { // which need not be there
			s.t.Fatalf("%s %s: %v\n%s", name, what, err, out)
		}
		var v any
		if json.Unmarshal(out, &v) != nil {
			v = string(out)
		}
		all[name+" "+what] = withoutIDs(v)
	}
	see("bpftool", "-j", "net")
	see("tc", "-j", "qdisc", "show")
	see("tc", "-j", "chain", "show", "dev", "v0", "ingress")
	for _, hook := range []string{"dev v0 ingress", "dev v0 egress", "dev v1 ingress", "dev lo parent 1:", "block 7", "block 8"} {
		see("tc", append([]string{"-j", "filter", "show"}, strings.Fields(hook)...)...)
	}
	return all
}

// withoutIDs leaves out what differs between two loads of the same program, the
// numbers of actions, which count on, and the netfilter links of the whole kernel.
func withoutIDs(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = withoutIDs(v[i])
		}
	case map[string]any:
		for _, key := range []string{"id", "prog_id", "tag", "netfilter"} {
			delete(v, key)
		}
		for key := range v {
			v[key] = withoutIDs(v[key])
		}
	}
	return v
}
