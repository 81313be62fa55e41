package env

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestProgress: a line that is written over, fits the terminal, and goes.
func TestProgress(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, 30, "verifying a\nb.o")
	after := func(seconds time.Duration) { p.show(p.begun.Add(seconds * time.Second)) }
	after(1)
	p.At(3, 40)
	p.At(2, 40)
	after(2)
	p.Clear()
	p.Clear()
	after(61)
	p.Done()
	want := wipe + `verifying a\nb.o, 1s` + wipe + `verifying a\nb.o, 3 of 40, 2s` + wipe +
		wipe + `rifying a\nb.o, 3 of 40, 1m1s` + wipe
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestProgressTicks: the line is written at each tick, and no more when the work is done.
func TestProgressTicks(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, 0, "verifying a.o")
	ticks := make(chan time.Time)
	p.ended.Go(func() { p.follow(ticks) })
	ticks <- p.begun
	ticks <- p.begun
	p.Done()
	if got := strings.Count(out.String(), "verifying a.o, 0s"); got < 1 || got > 2 || !strings.HasSuffix(out.String(), wipe) {
		t.Errorf("wrote %q", out.String())
	}
}

// TestProgressQuick: what is done at once writes nothing.
func TestProgressQuick(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, 80, "verifying a.o")
	p.ended.Go(func() { p.follow(nil) })
	p.At(1, 2)
	p.Done()
	if out.Len() > 0 {
		t.Errorf("wrote %q", out.String())
	}
}

// TestProgressUnseen: what is no terminal is told nothing.
func TestProgressUnseen(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	p := (&Env{Tool: ToolXDPLoad, Stderr: w}).Progress("verifying a.o")
	if p != nil {
		t.Error("a pipe is told")
	}
	p.At(1, 2)
	p.Clear()
	p.Done()
}
