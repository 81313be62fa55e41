package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/bpftest"
)

// A watch is a monitor that runs beside the test.
type watch struct {
	t     *testing.T
	lines chan string
}

// startWatch waits until the monitor sees what happens.
func startWatch(t *testing.T, s *paritySide, name string, words ...string) *watch {
	t.Helper()
	cmd := exec.Command(name, words...)
	cmd.Env, cmd.Stderr = []string{asProgram + "=1"}, new(bytes.Buffer)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.ns.Do(cmd.Start)
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // by the kill
	})
	w := &watch{t: t, lines: make(chan string, 100)}
	go func() {
		for in := bufio.NewScanner(out); in.Scan(); {
			w.lines <- in.Text()
		}
		close(w.lines)
	}()
	for deadline := time.Now().Add(bpftest.Patience); time.Now().Before(deadline); {
		if out, err := s.exec("tc", "qdisc", "replace", "dev", "v1", "clsact"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if w.next(50*time.Millisecond) != "" {
			w.skip(s)
			return w
		}
	}
	t.Fatalf("the monitor sees nothing: %v", cmd.Stderr)
	return nil
}

// markerChain is the number of the last chain that skip made.
var markerChain = 471100

// skip makes a chain come and go, and leaves out what was printed up to that.
func (w *watch) skip(s *paritySide, others ...*watch) {
	w.t.Helper()
	markerChain++
	chain := fmt.Sprint(markerChain)
	for _, verb := range []string{"add", "del"} {
		if out, err := s.exec("tc", "chain", verb, "dev", "v1", "ingress", "chain", chain); err != nil {
			w.t.Fatalf("%v: %s", err, out)
		}
	}
	for _, w := range append(others, w) {
		for line := ""; !strings.Contains(line, "deleted") || !strings.Contains(line, chain); {
			if line = w.next(bpftest.Patience); line == "" {
				w.t.Fatal("the monitor does not print that a chain goes")
			}
		}
	}
}

func (w *watch) next(wait time.Duration) string {
	select {
	case line := <-w.lines:
		return line
	case <-time.After(wait):
		return ""
	}
}

func (w *watch) want(patterns ...string) {
	w.t.Helper()
	for _, p := range patterns {
		if line := w.next(bpftest.Patience); !regexp.MustCompile(p).MatchString(line) {
			w.t.Errorf("the monitor printed %q, want %s", line, p)
		}
	}
}

func TestMonitor(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("tc"))
	dir := parityDir(t)
	s := newParitySide(t, dir, filepath.Join(dir, "xdpload"), "tc")
	steps := [][]string{
		{"qdisc", "add", "dev", "v0", "clsact"},
		{"filter", "add", "dev", "v0", "ingress", "pref", "1", "handle", "1", "bpf", "da", "obj", "tc.o"},
		{"filter", "replace", "dev", "v0", "ingress", "pref", "1", "handle", "1", "bpf", "da", "obj", "tc.o"},
		{"filter", "change", "dev", "v0", "ingress", "pref", "1", "handle", "1", "bpf", "da", "obj", "tc.o"},
		{"filter", "add", "dev", "v0", "ingress", "pref", "1", "handle", "2", "bpf", "da", "obj", "tc.o"},
		{"filter", "del", "dev", "v0", "ingress", "pref", "1", "handle", "1", "bpf"},
		{"filter", "del", "dev", "v0", "ingress", "pref", "1"},
		{"chain", "add", "dev", "v0", "ingress", "chain", "7"},
		{"qdisc", "del", "dev", "v0", "clsact"},
	}
	run := func() {
		for _, words := range steps {
			if out, err := s.Run(words...); err != nil {
				t.Fatalf("%v: %v: %s", words, err, out)
			}
		}
	}
	const filter = `filter dev v0 ingress protocol all pref 1 bpf chain 0 `
	const program = `handle 0x[12] tc\.o:\[classifier\] direct-action not_in_hw id \d+ `
	t.Run("text", func(t *testing.T) {
		w := startWatch(t, s, filepath.Join(dir, "xdpload"), "tc", "monitor")
		run()
		w.want(
			`^qdisc clsact ffff: dev v0 parent ffff:fff1 $`,
			`^added chain dev v0 parent ffff: chain 0 $`,
			`^added `+filter+program,
			`^replaced `+filter+program,
			`^`+filter+program,
			`^added `+filter+program,
			`^deleted `+filter+program,
			`^deleted `+filter+`$`,
			`^deleted chain dev v0 parent ffff: chain 0 $`,
			`^added chain dev v0 parent ffff: chain 7 $`,
			`^deleted qdisc clsact ffff: dev v0 parent ffff:fff1 (refcnt 0 )?$`,
			`^deleted chain dev v0 parent ffff: chain 7 $`,
		)
	})
	t.Run("json", func(t *testing.T) {
		w := startWatch(t, s, filepath.Join(dir, "xdpload"), "-json", "tc", "monitor")
		run()
		w.want(
			`^{"kind":"clsact","handle":"ffff:","ifname":"v0","parent":"ffff:fff1","options":{}}$`,
			`^{"added":true,"ifname":"v0","parent":"ffff:","chain":0}$`,
			`^{"added":true,"ifname":"v0","ingress":true,"protocol":"all","pref":1,"kind":"bpf","chain":0,"options":{"handle":"0x1","bpf_name":"tc.o:\[classifier\]","direct-action":true,"not_in_hw":true,"prog":{"id":\d+`,
			`^{"replaced":true,`,
			`^{"ifname":"v0","ingress":true,`,
		)
	})
	t.Run("as tc", func(t *testing.T) {
		theirs := startWatch(t, s, "tc", "monitor")
		link := filepath.Join(t.TempDir(), "tc")
		if out, err := exec.Command("ln", "-s", filepath.Join(dir, "xdpload"), link).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		ours := startWatch(t, s, link, "monitor")
		ours.skip(s, theirs)
		run()
		// A program that is gone is shown without its name, by whoever is late.
		late := regexp.MustCompile(` (name|tag|jited).*`)
		for range 12 {
			want, got := theirs.next(bpftest.Patience), ours.next(bpftest.Patience)
			if late.ReplaceAllString(got, "") != late.ReplaceAllString(want, "") || got == "" {
				t.Errorf("printed %q, tc %q", got, want)
			}
		}
	})
}

// TestMonitorFile has rtmon record, and tc and us tell the same of it.
func TestMonitorFile(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("tc"), bpftest.Command("rtmon"))
	dir := parityDir(t)
	s := newParitySide(t, dir, filepath.Join(dir, "xdpload"), "tc")
	file := filepath.Join(t.TempDir(), "recorded")
	recorder := exec.Command("rtmon", "file", file)
	s.ns.Do(recorder.Start)
	defer func() {
		recorder.Process.Kill() //nolint:errcheck // it may have ended
		recorder.Wait()         //nolint:errcheck // by the kill
	}()
	replay := func(words ...string) string {
		t.Helper()
		out, err := s.exec(words[0], words[1:]...)
		if err != nil {
			t.Fatalf("%v: %v: %s", words, err, out)
		}
		return string(out)
	}
	until := func(words string, do ...string) {
		t.Helper()
		for deadline := time.Now().Add(bpftest.Patience); time.Now().Before(deadline); {
			if out, err := s.exec("tc", do...); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if b, _ := os.ReadFile(file); len(b) > 0 && strings.Contains(replay("tc", "monitor", "file", file), words) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("rtmon does not record %q", words)
	}
	until("qdisc clsact ffff: dev v0", "qdisc", "replace", "dev", "v0", "clsact")
	for _, words := range []string{
		"filter add dev v0 ingress pref 1 bpf da obj tc.o", "filter replace dev v0 ingress pref 1 handle 1 bpf da obj tc.o",
		"filter del dev v0 ingress pref 1", "chain add dev v0 egress chain 7",
	} {
		replay(append([]string{"tc"}, strings.Fields(words)...)...)
	}
	until("dev v1", "qdisc", "replace", "dev", "v1", "clsact")
	_ = recorder.Process.Kill() // what follows shall be the same for both
	_ = recorder.Wait()
	late := regexp.MustCompile(` (name|tag|jited).*|Unknown message: .*\n`) // tc names what is not about tc
	want := replay("tc", "monitor", "file", file)
	link := filepath.Join(t.TempDir(), "tc")
	if err := os.Symlink(filepath.Join(dir, "xdpload"), link); err != nil {
		t.Fatal(err)
	}
	got := replay(link, "monitor", "file", file)
	if diff := cmp.Diff(late.ReplaceAllString(want, ""), late.ReplaceAllString(got, "")); diff != "" || got == "" {
		t.Errorf("-tc +xdpload:\n%s", diff)
	}
	if out, err := s.Run("monitor", "file", filepath.Join(dir, "tc.o")); err == nil || !strings.Contains(string(out), "message 1: it claims to have ") {
		t.Errorf("no recording: %v: %s", err, out)
	}
}

// TestEcho: -echo prints what a monitor would.
func TestEcho(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("tc"))
	dir := parityDir(t)
	s := newParitySide(t, dir, filepath.Join(dir, "xdpload"), "-echo", "tc")
	for _, tt := range []struct {
		words []string
		want  string
	}{
		{[]string{"filter", "add", "dev", "v0", "ingress", "bpf", "da", "obj", "tc.o"}, `^added filter dev v0 ingress protocol all pref 49152 bpf chain 0 handle 0x1 tc\.o:\[classifier\] direct-action not_in_hw id \d+ name cls_ok `},
		{[]string{"filter", "replace", "dev", "v0", "ingress", "bpf", "da", "obj", "tc.o"}, `^replaced filter dev v0 ingress protocol all pref 49152 `},
		{[]string{"filter", "change", "dev", "v0", "ingress", "pref", "49152", "handle", "1", "bpf", "da", "obj", "tc.o"}, `^filter dev v0 ingress protocol all pref 49152 `},
		{[]string{"filter", "del", "dev", "v0", "ingress", "pref", "49152", "handle", "1", "bpf"}, `^deleted filter dev v0 ingress protocol all pref 49152 bpf chain 0 handle 0x1 `},
	} {
		out, err := s.Run(tt.words...)
		if err != nil || !regexp.MustCompile(tt.want).Match(out) {
			t.Errorf("%v printed %q, %v; want %s", tt.words, out, err, tt.want)
		}
	}
}
