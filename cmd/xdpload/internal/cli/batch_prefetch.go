package cli

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/load"
)

// A prefetcher loads what the next lines of a batch are going to attach, on other
// threads, while the lines before them run: of a load only what has no effect is
// done before its turn. A load that fails is done again at its line's turn, to
// say why. A nil one does nothing.
type prefetcher struct {
	env     *env.Env
	lines   []batchLine
	ctx     context.Context
	cancel  context.CancelFunc
	next    int                 // the first line that was not looked at yet
	loads   []*subject.Prefetch // by line, those before their turn or at it
	first   map[subject.ProgramName]firstUse
	refused map[subject.ProgramName]bool // a load of it came to nothing
	todo    chan *subject.Prefetch
	threads int // that do it
	running sync.WaitGroup
}

// firstUse is the first line that names a program which lines may share.
type firstUse struct {
	line int
	key  subject.ShareKey
}

// perJob is how many lines are loaded before their turn for each program that may
// be verified at a time: enough to go on while a line waits for the kernel to attach.
const perJob = 2

// prefetch returns nil when programs are to be verified one after the other.
func prefetch(ctx context.Context, e *env.Env, lines []batchLine) *prefetcher {
	if len(lines) < 2 {
		return nil
	}
	runtime.SetDefaultGOMAXPROCS() // there is work for all processors
	jobs := cmp.Or(e.Jobs, runtime.GOMAXPROCS(0))
	if jobs == 1 {
		return nil
	}
	e.Verifying = load.NewJobs(jobs)
	a := &prefetcher{
		env: e, lines: lines, todo: make(chan *subject.Prefetch, perJob*jobs),
		first: make(map[subject.ProgramName]firstUse), refused: make(map[subject.ProgramName]bool),
	}
	a.ctx, a.cancel = context.WithCancel(ctx)
	return a
}

// Close ends what was not used. It waits for what the verifier is busy with, so an
// error is reported first.
func (a *prefetcher) Close() {
	if a == nil {
		return
	}
	a.cancel()
	close(a.todo)
	a.running.Wait()
	for _, l := range a.loads {
		l.Close()
	}
}

// exhausted reports whether something was lacking that loads before their turn hold too.
func exhausted(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// giveUp closes what was loaded, and loads nothing before its turn any more. It
// reports whether that made room.
func (a *prefetcher) giveUp() bool {
	if a == nil || len(a.loads) == 0 {
		return false
	}
	a.cancel()
	for _, l := range a.loads {
		l.Close()
	}
	a.loads, a.next = nil, len(a.lines)
	return true
}

// advance is called before each line runs. It starts the loads of those after it.
func (a *prefetcher) advance(turn int) {
	if a == nil {
		return
	}
	for len(a.loads) > 0 && a.loads[0].Line < turn {
		l := a.loads[0]
		l.Close()
		a.refused[l.Of] = !l.Worked
		a.loads = a.loads[1:]
	}
	a.next = max(a.next, turn)
	for a.next < len(a.lines) && len(a.loads) < cap(a.todo) && a.Look(a.next, turn) {
		a.next++
	}
}

// Look starts the load of a line, if it has one of its own and it is not its
// turn. It is false when that depends on a line that has not run.
func (a *prefetcher) Look(line, turn int) bool {
	f := subject.Loading{Barrier: true}
	if r, ok := a.lines[line].job.request.(subject.Attaching); ok {
		f = r.Loads()
	}
	if f.Barrier || f.Program == nil {
		return !f.Barrier
	}
	name := f.Program.ProgramName(f.Run)
	use, again := a.first[name]
	switch again = again && f.Shares; {
	case again && use.line >= turn: // whether that shares it is not known yet
		return false
	case again && subject.Shared(a.env, use.key) != nil, a.refused[name]:
		return true
	}
	file := subject.StateOf(name.File)
	if f.Shares && !again {
		a.first[name] = firstUse{line, subject.ShareKey{ProgramName: name, FileState: file}}
	}
	if line > turn && file.Regular() {
		f.Program.Prefetched = &subject.Prefetch{
			Line: line, Of: name, File: file,
			Options: f.Program.Options(a.env, f.Run, 0), Done: make(chan struct{}),
		}
		a.start(f.Program.Prefetched)
	}
	return true
}

// start begins a load as soon as those before it have begun.
func (a *prefetcher) start(l *subject.Prefetch) {
	a.loads = append(a.loads, l)
	a.todo <- l // it has room
	if a.threads == cap(a.env.Verifying) {
		return
	}
	a.threads++
	a.running.Go(func() {
		for l := range a.todo {
			l.Run(a.ctx)
		}
	})
}
