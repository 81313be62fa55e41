package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// followed runs the events of a guest, whose output is given, through a
// bookkeeper, and returns the results as "PACKAGE REASON: OUTPUT" and why the
// guest was killed.
func followed(t *testing.T, b *bookkeeper, output, events string) (results []string, cause error) {
	t.Helper()
	b.output = collect(strings.NewReader(output))
	b.note = func(string) {}
	b.report = func(r result) {
		results = append(results, r.job.Package+" "+r.reason+": "+string(r.output))
	}
	b.follow(strings.NewReader(events), func(err error) { cause = err })
	return results, cause
}

func TestFollow(t *testing.T) {
	jobs := []job{{Package: "a"}, {Package: "b"}}
	b := &bookkeeper{jobs: jobs}
	got, cause := followed(t, b, "onetwo", `{"Kind":"up"}
{"Kind":"start","Job":0}
{"Kind":"exit","Job":0,"Output":3}
{"Kind":"start","Job":1,"Output":3}
{"Kind":"exit","Job":1,"Output":6,"Code":137,"Signal":"killed"}
{"Kind":"done","Output":6}
`)
	if diff := cmp.Diff([]string{"a : one", "b crash: killed: two"}, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if cause != nil || !b.done {
		t.Errorf("cause %v, done %v", cause, b.done)
	}
}

// TestFollowBroken ends a guest in the middle of a job, and goes on in another.
func TestFollowBroken(t *testing.T) {
	b := &bookkeeper{jobs: []job{{Package: "a"}, {Package: "b"}}}
	got, cause := followed(t, b, "last words", `{"Kind":"up"}
{"Kind":"start","Job":0}
`)
	if len(got) != 0 || cause != nil || b.done || !b.running {
		t.Fatalf("results %q, cause %v, done %v, running %v", got, cause, b.done, b.running)
	}
	b.report = func(r result) { got = append(got, r.job.Package+" "+r.reason+": "+string(r.output)) }
	b.broken(&guestError{reason: "kernel panic: x", console: "log\n"})
	want := []string{"a kernel panic: x: last words\n--- end of the console ---\nlog\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if b.next != 1 || b.running {
		t.Errorf("next %d, running %v", b.next, b.running)
	}
}

func TestFollowNonsense(t *testing.T) {
	for name, events := range map[string]string{
		"no JSON":      "what?\n",
		"wrong job":    `{"Kind":"start","Job":1}` + "\n",
		"early done":   `{"Kind":"done"}` + "\n",
		"a file more":  `{"Kind":"file","Job":0,"Path":"/etc/passwd"}` + "\n",
		"no such job":  `{"Kind":"start","Job":9}` + "\n",
		"spoilt bytes": `{"Kind":"file","Job":0,"Path":"/c","Data":"AAAA"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := &bookkeeper{files: map[string][]byte{}, jobs: []job{{Package: "a", Outputs: []output{{"/c", false}}}}}
			if _, cause := followed(t, b, "", events); cause == nil {
				t.Error("the guest was not ended")
			}
		})
	}
}

func TestFile(t *testing.T) {
	from := filepath.Join(t.TempDir(), "from")
	if err := os.WriteFile(from, []byte("mode: set\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := gzipFile(from)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	j := job{Outputs: []output{{dir + "/sub/cover.out", false}, {dir + "/cov", true}}}
	b := &bookkeeper{files: map[string][]byte{}}
	for _, name := range []string{"/other", "/cov/../x", "/cov/a/b"} {
		if err := b.file(j, event{Path: dir + name, Data: data}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	want := map[string][]byte{}
	for _, name := range []string{"/sub/cover.out", "/cov/covmeta.1"} {
		if err := b.file(j, event{Path: dir + name, Data: data}); err != nil {
			t.Fatal(err)
		}
		want[dir+name] = []byte("mode: set\n")
	}
	if diff := cmp.Diff(want, b.files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if err := (result{files: b.files}).write(); err != nil {
		t.Fatal(err)
	}
	for name := range want {
		if got, err := os.ReadFile(name); err != nil || string(got) != "mode: set\n" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestExplain(t *testing.T) {
	silent, cancel := context.WithCancelCause(t.Context())
	cancel(&silence{"the event up", eventBound})
	interrupted, cancel := context.WithCancelCause(t.Context())
	cancel(context.Canceled)
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		done    bool
		err     error
		console string
		want    string
	}{
		{name: "done", ctx: t.Context(), done: true},
		{name: "panic", ctx: t.Context(), console: "Kernel panic - not syncing: x\n", want: "kernel panic: x"},
		{name: "hang", ctx: silent, err: errors.New("killed"), want: "kernel hang: no sign of life for 1m0s after the event up"},
		{name: "off", ctx: t.Context(), want: "the guest ended before the tests did"},
		{name: "interrupt", ctx: interrupted, err: errors.New("killed"), want: "context canceled"},
		{name: "QEMU", ctx: t.Context(), err: errors.New("exit status 1"), want: "QEMU: exit status 1: no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := explain(tt.ctx, tt.done, tt.err, "no such file\n", tt.console); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
