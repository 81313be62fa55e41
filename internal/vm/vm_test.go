package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/testreport/summary"
)

func TestRunUsage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"nothing", nil, 2, "usage: vm test|exec|shell|fetch|peers|emulator"},
		{"unknown", []string{"boot"}, 2, "usage: vm"},
		{"unknown flag", []string{"exec", "-speed", "9"}, 2, "flag provided but not defined: -speed"},
		{"no binary", []string{"exec"}, 1, "no test binary given"},
		{"modules of a series", []string{"test", "-kernel", "6.1", "-modules", "/lib/modules/x"}, 1, "not to the series 6.1"},
		{"unknown machine", []string{"emulator", "vax"}, 1, "name one machine as GOARCH does, arm64 or s390x"},
		{"two kernels", []string{"shell", "-kernel", "6.1,6.12"}, 1, "name one kernel, not 6.1,6.12"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if got := run(t.Context(), tt.args, nil, &stdout, &stderr); got != tt.status {
				t.Errorf("status %d, want %d", got, tt.status)
			}
			if !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("stderr %q, want %q in it", stderr.String(), tt.want)
			}
		})
	}
}

func TestArchive(t *testing.T) {
	var b bytes.Buffer
	a := newArchive(&b)
	a.file("/a/b.txt", 0o640, []byte("hello"))
	a.symlink("/a/l", "b.txt")
	a.file("a/b.txt", 0o600, []byte("the first one wins"))
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := []archived{
		{"a", "000041ed", ""},
		{"a/b.txt", "000081a0", "hello"},
		{"a/l", "0000a1ff", "b.txt"},
		{"TRAILER!!!", "00000000", ""},
	}
	if diff := cmp.Diff(want, readArchive(t, b.Bytes())); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// archived is an entry of an archive.
type archived struct {
	Name, Mode, Data string
}

func readArchive(t *testing.T, data []byte) (all []archived) {
	t.Helper()
	for len(data) > 0 {
		size, name := hexField(t, data, 6), int(hexField(t, data, 11))
		start := (110 + name + 3) &^ 3
		all = append(all, archived{string(data[110 : 110+name-1]), string(data[14:22]), string(data[start : start+int(size)])})
		data = data[(start+int(size)+3)&^3:]
	}
	return all
}

// The files that arguments name come along; other words are no files.
func TestArguments(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.o": "relative", "b.o": "absolute", "c.o": "not named"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	a := newArchive(&b)
	if err := a.arguments(job{Dir: dir, Args: []string{"verify", "a.o", filepath.Join(dir, "b.o"), ".", "nosuch.o"}}); err != nil {
		t.Fatal(err)
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range readArchive(t, b.Bytes()) {
		if e.Data != "" {
			got["/"+e.Name] = e.Data
		}
	}
	want := map[string]string{filepath.Join(dir, "a.o"): "relative", filepath.Join(dir, "b.o"): "absolute"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// hexField is the field i of a newc header, after the magic.
func hexField(t *testing.T, header []byte, i int) uint64 {
	t.Helper()
	var v uint64
	for _, c := range header[6+8*i : 6+8*i+8] {
		v = v<<4 | uint64(strings.IndexByte("0123456789abcdef", c))
	}
	return v
}

func TestModuleName(t *testing.T) {
	for file, want := range map[string]string{
		"/lib/modules/x/kernel/net/sched/act-bpf.ko.xz": "act_bpf",
		"veth.ko":     "veth",
		"sch_htb":     "sch_htb",
		"dummy.ko.gz": "dummy",
	} {
		if got := moduleName(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

func TestPlainImage(t *testing.T) {
	for _, tt := range []struct {
		name, series string
		want         bool
	}{
		{"linux-image-6.12.117+deb12-amd64", "6.12", true},
		{"linux-image-6.12.9+bpo-amd64", "6.12", true},
		{"linux-image-6.1.0-56-amd64", "6.1", true},
		{"linux-image-6.12.117+deb12-amd64", "6.1", false},
		{"linux-image-6.1.0-56-rt-amd64", "6.1", false},
		{"linux-image-6.1.0-56-cloud-amd64", "6.1", false},
		{"linux-image-6.1.0-56-amd64-unsigned", "6.1", false},
		{"linux-image-6.12-amd64", "6.12", false},
	} {
		if got := plainImage(tt.series).MatchString(tt.name); got != tt.want {
			t.Errorf("%s for %s: %v, want %v", tt.name, tt.series, got, tt.want)
		}
	}
}

func TestDebianMirror(t *testing.T) {
	targets := "Other|https://other.example/apt/\nDebian-Security|http://a.example/debian-security/\n" +
		"Debian|http://a.example/debian/\nDebian|http://b.example/debian/\n"
	if got, want := debianMirror(targets), "http://a.example/debian/"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := debianMirror("Other|https://other.example/apt/\n"); got != "" {
		t.Errorf("%q without a Debian release", got)
	}
}

func TestPeerVersions(t *testing.T) {
	got := peerVersions([]version{{"bpftool", "7.8.0+7.2.13-1"}, {"other", "1"}, {"iproute2", "7.3.0-1"}, {"veristat", "1:0.5.1~rc2-1"}})
	if want := "ip 7.3.0\ntc 7.3.0\nrtmon 7.3.0\nbpftool 7.8.0\nveristat 0.5.1\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The image of a Debian kernel lies in /boot, and since 6.19.6 with the modules.
func TestCachedKernel(t *testing.T) {
	for _, tt := range []struct{ series, image, modules, config, release string }{
		{"6.1", "boot/vmlinuz-6.1.0-57-amd64", "lib/modules/6.1.0-57-amd64", "boot/config-6.1.0-57-amd64", "6.1.0-57-amd64"},
		{"7.3", "usr/lib/modules/7.3.4+deb13-amd64/vmlinuz", "usr/lib/modules/7.3.4+deb13-amd64", "usr/lib/modules/7.3.4+deb13-amd64/config", "7.3.4+deb13-amd64"},
	} {
		c := cache{t.TempDir()}
		if err := errors.Join(os.MkdirAll(c.path(tt.series, tt.modules), 0o755), os.MkdirAll(c.path(tt.series, "boot"), 0o755)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.cachedKernel(tt.series); !errors.Is(err, errNotCached) {
			t.Errorf("%s without an image: %v", tt.series, err)
		}
		if err := os.WriteFile(c.path(tt.series, tt.image), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		k, err := c.cachedKernel(tt.series)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{k.image, k.modules, k.config(), k.release()}
		want := []string{c.path(tt.series, tt.image), c.path(tt.series, tt.modules), c.path(tt.series, tt.config), tt.release}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.series, diff)
		}
	}
}

func TestNewJob(t *testing.T) {
	argv := []string{"/b/x.test", "-test.v=true", "-test.timeout=90s", "-test.coverprofile=c.out", "-test.gocoverdir=/cov", "-test.run=^A$"}
	environ := []string{"HOME=/h", "GOCOVERDIR=/g", "XDPLOAD_X=1"}
	got := newJob(argv, environ, "/d").telling()
	want := job{
		Binary:  "/b/x.test",
		Dir:     "/d",
		Args:    []string{"-test.v=test2json", "-test.timeout=90s", "-test.coverprofile=c.out", "-test.gocoverdir=/cov", "-test.run=^A$"},
		Env:     []string{"GOCOVERDIR=/g", "XDPLOAD_X=1"},
		Timeout: 90 * time.Second,
		Verbose: true,
		Outputs: []output{{"/g", true}, {"/d/c.out", false}, {"/cov", true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	if got := newJob([]string{"x", "-test.timeout=0s"}, nil, "/").Timeout; got != defaultTimeout {
		t.Errorf("without a time-out: %v, want %v", got, defaultTimeout)
	}
}

func TestExitReason(t *testing.T) {
	j := job{Timeout: time.Minute}
	for _, tt := range []struct {
		name   string
		event  event
		output string
		want   string
	}{
		{name: "passed"},
		{name: "failed", event: event{Code: 1}, output: "panic: said by a test\n"},
		{name: "killed", event: event{Code: 137, Signal: "killed"}, want: "crash: killed"},
		{name: "panic", event: event{Code: 2}, output: "x\npanic: boom [recovered]\n", want: "crash: panic: boom [recovered]"},
		{name: "signal", event: event{Code: 2}, output: "SIGSEGV: segmentation violation\nPC=0", want: "crash: SIGSEGV: segmentation violation"},
		{name: "out of memory", event: event{Code: 2}, output: "fatal error: out of memory\n", want: "crash: fatal error: out of memory"},
		{name: "time-out", event: event{Code: 2}, output: "panic: test timed out after 1m0s\n", want: "hang: test timed out after 1m0s"},
		{name: "stuck", event: event{Code: 137, Signal: "killed", Hang: true}, want: "hang: not ended by its time-out of 1m0s, killed: killed"},
		{name: "exit", event: event{Code: 7}, want: "exit status 7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := exitReason(j, tt.event, []byte(tt.output)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestPanicLine(t *testing.T) {
	log := "[    1.0] ok\r\n[    2.0] Kernel panic - not syncing: Fatal exception in interrupt\r\n[    2.1] Call Trace:\r\n"
	if got, want := panicLine(log), "kernel panic: Fatal exception in interrupt"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := panicLine("all is well\n"); got != "" {
		t.Errorf("%q without a panic", got)
	}
}

func TestTail(t *testing.T) {
	if got := tail("a\r\nb\r\nc\r\n", 3); got != "b\nc\n" {
		t.Errorf("%q", got)
	}
	if got := tail("a", 3); got != "a" {
		t.Errorf("%q", got)
	}
}

func TestCoverFlag(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-v", "./..."}, ""},
		{[]string{"-coverprofile=c.out"}, "c.out"},
		{[]string{"--coverprofile", "c.out", "./..."}, "c.out"},
		{[]string{"-coverprofile"}, ""},
	} {
		if got := coverFlag(tt.args); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.args, got, tt.want)
		}
	}
}

func TestPublish(t *testing.T) {
	c := cache{t.TempDir()}
	put := func(text string, err error) error {
		return c.publish("6.12", func(dir string) error {
			if werr := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o600); werr != nil {
				return werr
			}
			return err
		})
	}
	if err := put("good", nil); err != nil {
		t.Fatal(err)
	}
	if err := put("half", context.Canceled); err == nil {
		t.Error("no error of what failed to fill the directory")
	}
	if data, err := os.ReadFile(c.path("6.12", "f")); err != nil || string(data) != "good" {
		t.Errorf("%q, %v, want what was published before", data, err)
	}
	if names, err := filepath.Glob(c.path("partial-*")); err != nil || len(names) != 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func TestLock(t *testing.T) {
	c := cache{t.TempDir()}
	var holders atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				unlock, err := c.lock()
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold the lock", n)
				}
				runtime.Gosched()
				holders.Add(-1)
				unlock()
			}
		})
	}
	all.Wait()
}

func TestShownAndSummary(t *testing.T) {
	events := []testEvent{
		{Action: "run", Test: "TestA"},
		{Action: "output", Test: "TestA", Output: "=== RUN   TestA\n"},
		{Action: "output", Test: "TestA", Output: "    a_test.go:3: fine\n"},
		{Action: "pass", Test: "TestA"},
		{Action: "run", Test: "TestS"},
		{Action: "output", Test: "TestS", Output: "    need.go:9: SKIP: needs tcx: Linux 6.6\n"},
		{Action: "output", Test: "TestS", Output: "    testscript.go:609: WORK=$WORK\n"},
		{Action: "output", Test: "TestS", Output: "--- SKIP: TestS (0.00s)\n"},
		{Action: "skip", Test: "TestS"},
		{Action: "run", Test: "TestF"},
		{Action: "output", Test: "TestF", Output: "    f_test.go:3: wrong\n"},
		{Action: "output", Output: "coverage: 61.9% of statements\n"},
	}
	if got := shown(events, false, false); got != "" {
		t.Errorf("shown of success: %q", got)
	}
	if got, want := shown(events, false, true), "    f_test.go:3: wrong\ncoverage: 61.9% of statements\n"; got != want {
		t.Errorf("shown of failure: %q, want %q", got, want)
	}
	if got := shown(events, true, false); !strings.Contains(got, "a_test.go:3: fine") {
		t.Errorf("shown with -v: %q", got)
	}
	if got, want := unfinished(events), ", in TestF"; got != want {
		t.Errorf("unfinished: %q, want %q", got, want)
	}
	if got, want := covered(events), "\tcoverage: 61.9% of statements"; got != want {
		t.Errorf("covered: %q, want %q", got, want)
	}
	var s summary.Summary
	sum(&s, result{job: job{Package: "a/p"}, code: 1, reason: "crash: exit status 2"}, events)
	got := append(s.Skips(), s.Failures()...)
	want := []string{"skipped 1: needs tcx: Linux 6.6 (p.TestS)", "failed: a/p [crash: exit status 2, in TestF]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}
