package main

import (
	"context"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/netlink"
)

// found is what the lines of a batch need not look for again.
type found struct {
	devices  map[string]int // indexes
	hooks    map[hookKey]xdpload.Clsact
	programs map[shareKey]*sharedProgram
}

func newFound() *found {
	return &found{make(map[string]int), make(map[hookKey]xdpload.Clsact), make(map[shareKey]*sharedProgram)}
}

// close gives the descriptors back; it may be called on nil.
func (f *found) close() {
	if f == nil {
		return
	}
	for _, p := range f.programs {
		_ = p.close() // descriptors of ours only
	}
}

// program is nil for one that was not loaded yet.
func (f *found) program(key shareKey) *sharedProgram {
	if f == nil {
		return nil
	}
	return f.programs[key]
}

// shareKey is what lines of a batch must have in common to run one program.
type shareKey struct {
	programName
	ifindex int // that the program is bound to
	fileState
}

// programName is what lines call a program.
type programName struct {
	run                    ebpf.ProgramType // by the hook
	file, section, program string
}

func (r *programRequest) programName(run ebpf.ProgramType) programName {
	return programName{run, r.File, r.Section, r.Program}
}

// fileState changes when a file does.
type fileState struct {
	dev, inode uint64
	size       int64 // bytes
	written    int64 // nanoseconds, as whoever wrote it wants it
	changed    int64 // nanoseconds, as the kernel saw it
	mode       uint32
}

// stateOf is the zero value for a file that is not to be looked at.
func stateOf(name string) fileState {
	var st unix.Stat_t
	if unix.Stat(name, &st) != nil {
		return fileState{}
	}
	return fileState{
		dev: uint64(st.Dev), inode: st.Ino, size: st.Size, mode: st.Mode,
		written: unix.TimespecToNsec(st.Mtim), changed: unix.TimespecToNsec(st.Ctim),
	}
}

// regular reports whether reading the file again gives the same.
func (s fileState) regular() bool { return s.mode&unix.S_IFMT == unix.S_IFREG }

// sharedProgram is a program that an earlier line of a batch has loaded.
type sharedProgram struct {
	*loaded
	name string // of its filters
}

// shareKey is false for a program that each line has to itself. Whether it has
// maps of its own is known when it is loaded.
func (r *programRequest) shareKey(e *env, run ebpf.ProgramType, ifindex int) (key shareKey, ok bool) {
	if e.found == nil || r.File == "" || r.File == "-" || r.Verbose || r.Export != "" || !r.Load.plain() {
		return key, false
	}
	key = shareKey{r.programName(run), ifindex, stateOf(r.File)}
	return key, key.fileState != fileState{}
}

// plain reports whether the line asks for no more than the object does.
func (r *loadRequest) plain() bool {
	return len(r.Variables)+len(r.Maps)+len(r.TailCalls) == 0 && r.PinMaps == "" && r.PinProgram == ""
}

// share keeps a program for the lines of a batch that follow, unless it has a
// map that no other load would find again.
func (e *env) share(key shareKey, p *loaded, name string) {
	private := func(m *xdpload.Map) bool { return m.Pin == "" }
	if slices.ContainsFunc(p.maps, private) {
		return
	}
	kept := *p
	p.close = func() error { return nil }
	kept.reused = true
	e.found.programs[key] = &sharedProgram{loaded: &kept, name: name}
}

// attachShared is attach for a hook of which a batch has many: its lines run one
// program.
func (r *programRequest) attachShared(ctx context.Context, e *env, conn *netlink.Conn, hook xdpload.Hook, ifindex int) (*loaded, *xdpload.Attachment, error) {
	key, sharing := r.shareKey(e, hook.ProgramType(), ifindex)
	if shared := e.found.program(key); sharing && shared != nil {
		a, err := xdpload.Attach(conn, shared.Program, hook)
		if err != nil {
			return nil, nil, &objectError{Object: r.name(), Program: shared.Name, Err: err}
		}
		return shared.again(), a, e.release(ctx, conn, a.Replaced)
	}
	p, a, err := r.attach(ctx, e, conn, hook, ifindex)
	if err == nil && sharing {
		e.share(key, p, "")
	}
	return p, a, err
}

// again is what a line gets that runs a shared program.
func (p *sharedProgram) again() *loaded {
	l := *p.loaded
	l.close = func() error { return nil }
	return &l
}

// hookKey is where filters are.
type hookKey struct {
	ifindex int
	parent  netlink.Parent
}

// findHook looks a hook up, which lines of a batch that add filters there do
// only once.
func (e *env) findHook(conn *netlink.Conn, hook xdpload.Clsact) (xdpload.Clsact, error) {
	key := hookKey{hook.Filter.Ifindex, hook.Filter.Parent}
	again := e.found != nil && hook.Op == xdpload.FilterAdd && hook.Filter.Block == 0
	if again {
		if known, ok := e.found.hooks[key]; ok {
			return hook.FoundLike(known), nil
		}
	}
	hook, err := hook.Find(conn)
	if err == nil && again {
		e.found.hooks[key] = hook
	}
	return hook, err
}

// device finds the index of a device.
func (e *env) device(name string) (*netlink.Conn, int, error) {
	if e.found != nil {
		if ifindex, ok := e.found.devices[name]; ok {
			conn, err := e.netlink()
			return conn, ifindex, err
		}
	}
	conn, l, err := e.link(name)
	if err != nil {
		return nil, 0, err
	}
	if e.found != nil {
		e.found.devices[name] = l.Index
	}
	return conn, l.Index, nil
}
