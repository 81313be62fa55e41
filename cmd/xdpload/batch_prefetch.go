package main

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/elf"
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
	e.jobs = xdpload.NewJobs(jobs)
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

// A prefetch is the load of a line before its turn. Nil is one that does not come
// to anything.
type prefetch struct {
	line    int
	of      programName
	file    fileState // before it was read
	options xdpload.LoadOptions
	done    chan struct{}
	source  *xdpload.Object // nil if the file cannot be read, or when it was taken
	worked  bool
}

func (l *prefetch) run(ctx context.Context) {
	defer close(l.done)
	if ctx.Err() != nil {
		return
	}
	obj, err := elf.Open(l.of.file)
	if err != nil {
		return
	}
	l.source = &xdpload.Object{Object: obj, Options: l.options}
	pinned := func(m elf.Map) bool { return m.Pinning != elf.PinNone }
	if maps, err := obj.Maps(); err != nil || slices.ContainsFunc(maps, pinned) {
		return // what is pinned at its turn is what counts
	}
	l.worked = l.source.Load(ctx) == nil
}

// object returns the object, unless the file has changed since.
func (l *prefetch) object() *elf.Object {
	if l == nil {
		return nil
	}
	<-l.done
	if l.source == nil || stateOf(l.of.file) != l.file {
		return nil
	}
	return l.source.Object
}

// take hands over what was loaded from an object.
func (l *prefetch) take(obj *elf.Object) (s *xdpload.Object) {
	if l == nil {
		return nil
	}
	<-l.done
	if l.source != nil && l.source.Object == obj {
		s, l.source = l.source, nil
	}
	return s
}

// close waits for the load, and closes what nobody took.
func (l *prefetch) close() {
	<-l.done
	if l.source != nil {
		_ = l.source.Close() // descriptors of ours only
		l.source = nil
	}
}

// loading says what a program's load is to the lines around it.
func (r *programRequest) loading(run ebpf.ProgramType, shares bool) loading {
	f := loading{run: run, shares: shares && r.Load.plain(), barrier: r.numbered()}
	if r.File != "" && r.File != "-" && !f.barrier && !r.Verbose && !r.Bound && r.Export == "" && !r.Load.pins() {
		f.program = r
	}
	return f
}

// numbered reports whether the program or one of its maps goes by a number,
// which one that is loaded before its turn could have got.
func (r *programRequest) numbered() bool {
	byID := func(m xdpload.MapOption) bool { return m.ID != 0 }
	return r.FD >= 0 || r.ID != 0 || slices.ContainsFunc(r.Load.Maps, byID)
}

// pins reports whether the line pins, or uses what is pinned before.
func (r *loadRequest) pins() bool {
	pinned := func(m xdpload.MapOption) bool { return m.Pinned != "" }
	return r.PinMaps != "" || r.PinProgram != "" || slices.ContainsFunc(r.Maps, pinned)
}
