package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"
)

// bookkeeper follows the events of one guest after the other, until each job
// of a plan has its result.
type bookkeeper struct {
	jobs   []job
	note   func(line string)
	report func(result) // told each result, in the order of the jobs
	output *buffer      // of the guest that runs

	next    int               // the first job without a result
	running bool              // it has started
	from    int64             // where its output begins
	files   map[string][]byte // what it wrote so far
	done    bool              // the guest has said that it is through
}

// How long a guest may be silent: until its first event, and beyond the time
// that a job may take. They are generous, because emulation on a busy machine
// is slow; only a kernel that hangs makes anybody wait so long.
const (
	bootBound  = 3 * time.Minute
	eventBound = time.Minute
)

// silence is the cause of the end of a guest that told nothing for too long.
type silence struct {
	last  string
	bound time.Duration
}

func (s *silence) Error() string {
	return fmt.Sprintf("no sign of life for %v after %s", s.bound, s.last)
}

// follow reads events to their end. It kills the guest that is silent for too
// long, or that says nonsense.
func (b *bookkeeper) follow(r io.Reader, kill context.CancelCauseFunc) {
	b.done, b.running = false, false
	last, bound := "its start", bootBound
	timer := time.AfterFunc(bound, func() { kill(&silence{"its start", bootBound}) })
	defer func() { timer.Stop() }()
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		timer.Stop()
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			kill(fmt.Errorf("event from the guest: %w: %q", err, line))
			continue
		}
		if err := b.event(e); err != nil {
			kill(err)
			continue
		}
		last, bound = b.expect(e)
		timer = time.AfterFunc(bound, func() { kill(&silence{last, bound}) })
	}
}

// expect is how long the guest may take for the event after e.
func (b *bookkeeper) expect(e event) (last string, bound time.Duration) {
	if e.Kind == eventStart {
		j := b.jobs[e.Job]
		return "the start of " + j.Package, j.Timeout + quitGrace + 2*killGrace + eventBound
	}
	return "the event " + e.Kind, eventBound
}

func (b *bookkeeper) event(e event) error {
	switch e.Kind {
	case eventUp:
		b.from = e.Output
	case eventDone:
		if b.next != len(b.jobs) {
			return fmt.Errorf("the guest is done after %d of %d jobs", b.next, len(b.jobs))
		}
		b.done = true
	case eventNote:
		b.note(e.Text)
	case eventStart, eventExit, eventFile:
		return b.jobEvent(e)
	}
	return nil
}

func (b *bookkeeper) jobEvent(e event) error {
	if e.Job != b.next || b.next >= len(b.jobs) {
		return fmt.Errorf("the guest says %s of job %d, where %d should be", e.Kind, e.Job, b.next)
	}
	j := b.jobs[e.Job]
	switch e.Kind {
	case eventStart:
		b.from, b.running, b.files = e.Output, true, map[string][]byte{}
	case eventFile:
		return b.file(j, e)
	case eventExit:
		out := b.output.slice(b.from, e.Output)
		b.finish(result{job: j, output: out, elapsed: e.Elapsed, code: e.Code, reason: exitReason(j, e, out)})
	}
	return nil
}

func (b *bookkeeper) finish(r result) {
	r.files = b.files
	b.running = false
	b.next++
	b.report(r)
}

// broken gives the job that ran when a guest broke off its result.
func (b *bookkeeper) broken(e *guestError) {
	out := b.output.slice(b.from, math.MaxInt64)
	out = append(bytes.Clone(out), "\n--- end of the console ---\n"+e.console...)
	b.finish(result{job: b.jobs[b.next], output: out, code: 1, reason: e.reason})
}

// file takes a file that came from the guest, if the job was asked to write it.
func (b *bookkeeper) file(j job, e event) error {
	for _, o := range j.Outputs {
		inside := o.Dir && filepath.Dir(e.Path) == filepath.Clean(o.Path)
		if e.Path != o.Path && !inside {
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(e.Data))
		if err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
		if b.files[e.Path], err = io.ReadAll(z); err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
		return nil
	}
	return fmt.Errorf("the guest sent %s, which %s was not asked to write", e.Path, j.Package)
}
