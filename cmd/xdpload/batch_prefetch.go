package main

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/load"
)

// A prefetcher loads what the next lines of a batch are going to attach, on other
// threads, while the lines before them run: of a load only what has no effect is
// done before its turn. A load that fails is done again at its line's turn, to
// say why. A nil one does nothing.
type prefetcher struct {
	env     *env
	lines   []batchLine
	ctx     context.Context
	cancel  context.CancelFunc
	next    int         // the first line that was not looked at yet
	loads   []*prefetch // by line, those before their turn or at it
	first   map[programName]firstUse
	vain    map[programName]bool // a load of it came to nothing
	todo    chan *prefetch
	threads int // that do it
	running sync.WaitGroup
}

// firstUse is the first line that names a program which lines may share.
type firstUse struct {
	line int
	key  shareKey
}

// perJob is how many lines are loaded before their turn for each program that may
// be verified at a time: enough to go on while a line waits for the kernel to attach.
const perJob = 2

// prefetch returns nil when programs are to be verified one after the other.
func (e *env) prefetch(ctx context.Context, lines []batchLine) *prefetcher {
	jobs := cmp.Or(e.Jobs, runtime.GOMAXPROCS(0))
	if jobs == 1 || len(lines) < 2 {
		return nil
	}
	e.jobs = load.NewJobs(jobs)
	a := &prefetcher{
		env: e, lines: lines, todo: make(chan *prefetch, perJob*jobs),
		first: make(map[programName]firstUse), vain: make(map[programName]bool),
	}
	a.ctx, a.cancel = context.WithCancel(ctx)
	return a
}

// close ends what was not used. It waits for what the verifier is busy with, so an
// error is reported first.
func (a *prefetcher) close() {
	if a == nil {
		return
	}
	a.cancel()
	close(a.todo)
	a.running.Wait()
	for _, l := range a.loads {
		l.close()
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
		l.close()
	}
	a.loads, a.next = nil, len(a.lines)
	return true
}

// advance is called before each line runs. It starts the loads of those behind.
func (a *prefetcher) advance(turn int) {
	if a == nil {
		return
	}
	for len(a.loads) > 0 && a.loads[0].line < turn {
		l := a.loads[0]
		l.close()
		a.vain[l.of] = !l.worked
		a.loads = a.loads[1:]
	}
	a.next = max(a.next, turn)
	for a.next < len(a.lines) && len(a.loads) < cap(a.todo) && a.look(a.next, turn) {
		a.next++
	}
}

// look starts the load of a line, if it has one of its own and it is not its
// turn. It is false when that depends on a line that has not run.
func (a *prefetcher) look(line, turn int) bool {
	f := loading{barrier: true}
	if r, ok := a.lines[line].job.request.(attaching); ok {
		f = r.loads()
	}
	if f.barrier || f.program == nil {
		return !f.barrier
	}
	name := f.program.programName(f.run)
	use, again := a.first[name]
	switch again = again && f.shares; {
	case again && use.line >= turn: // whether that shares it is not known yet
		return false
	case again && a.env.shared(use.key) != nil, a.vain[name]:
		return true
	}
	file := stateOf(name.file)
	if f.shares && !again {
		a.first[name] = firstUse{line, shareKey{programName: name, fileState: file}}
	}
	if line > turn && file.regular() {
		f.program.prefetched = &prefetch{
			line: line, of: name, file: file,
			options: f.program.options(a.env, f.run, 0), done: make(chan struct{}),
		}
		a.start(f.program.prefetched)
	}
	return true
}

// start begins a load as soon as those before it have begun.
func (a *prefetcher) start(l *prefetch) {
	a.loads = append(a.loads, l)
	a.todo <- l // it has room
	if a.threads == cap(a.env.jobs) {
		return
	}
	a.threads++
	a.running.Go(func() {
		for l := range a.todo {
			l.run(a.ctx)
		}
	})
}
