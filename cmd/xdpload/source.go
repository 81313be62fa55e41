package main

import (
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// A source is where the program of a line comes from. Lines of a batch that name
// the same program of the same file have one source, if its maps are others' too.
type source struct {
	object  *xdpload.Object // nil for a program that is open, and for classic BPF
	program *prog.Program   // that is open
	request *programRequest
	want    ebpf.ProgramType
	key     shareKey // of a batch, the zero value for what lines do not share
	name    string   // of filters that run it
	reused  bool     // it was loaded by an earlier line
	shared  bool     // the batch closes it
	told    bool     // what there was to tell of the load
}

// plan is what a plan has as its source.
func (s *source) plan() attach.Source {
	switch {
	case s == nil:
		return nil
	case s.object != nil:
		return s.object
	}
	return xdpload.Open(s.program)
}

// source finds what a line is to run. ifindex is that of the device that shall run
// it itself, 0 for the kernel.
func (r *programRequest) source(e *env, want ebpf.ProgramType, ifindex int) (*source, error) {
	key, sharing := r.shareKey(e, want, ifindex)
	if shared := e.shared(key); sharing && shared != nil {
		again := *shared
		again.reused, again.request = true, r
		return &again, nil
	}
	s := &source{request: r, want: want}
	if sharing {
		s.key = key
	}
	if r.File == "" {
		var err error
		s.program, err = r.opened(e, want)
		return s, err
	}
	obj, err := r.object(e)
	if err != nil {
		return nil, err
	}
	if s.object = r.prefetched.take(obj); s.object == nil {
		s.object = &xdpload.Object{Object: obj, Options: r.options(e, want, ifindex)}
	}
	return s, nil
}

// maps are those of the load.
func (s *source) maps() []*load.Map {
	if l := s.loaded(); l != nil {
		return l.Maps
	}
	return nil
}

// loaded is what was made of the object, nil before and for another source.
func (s *source) loaded() *load.Loaded {
	if s == nil || s.object == nil {
		return nil
	}
	return s.object.Loaded()
}

// announce says what there is to tell of a load that came to something, and keeps
// it for the lines of a batch that follow.
func (s *source) announce(e *env) {
	if s.loaded() == nil || s.told {
		return
	}
	s.told = true
	s.request.tell(e, s.loaded())
	e.share(s)
}

// tell passes on what the verifier said, and what was ignored.
func (r *programRequest) tell(e *env, l *load.Loaded) {
	if log := strings.TrimRight(l.Program().VerifierLog, "\n"); r.Verbose && log != "" {
		e.notify(notice{VerifierLog: strings.Split(log, "\n")})
	}
	for _, w := range l.Warnings {
		e.warn("%s", w)
	}
}

// failed says which program it was that was refused.
func (s *source) failed(err error) error {
	switch {
	case s == nil || s.request == nil:
		return err
	case s.program != nil:
		return &objectError{Object: s.request.name(), Program: s.program.Name, Err: err}
	case s.reused:
		return &objectError{Object: s.request.name(), Program: s.object.Program().Name, Err: err}
	}
	return s.request.failed(s.object.Object, s.selector(), err)
}

// refused is failed for devices that each have their reason.
func (s *source) refused(err error) error {
	if s.request == nil {
		return err
	}
	out := &objectError{Object: s.request.name(), Err: err}
	if s.program != nil {
		out.Program = s.program.Name
	} else if p, progErr := s.object.Object.Program(s.selector()); progErr == nil {
		out.Program = p.Name
	}
	return out
}

func (s *source) selector() elf.Selector {
	return elf.Selector{Section: s.request.Section, Program: s.request.Program, Type: s.want}
}

// Close closes what the lines of a batch have shared.
func (s *source) Close() error { return s.object.Close() }

func (s *source) close() {
	switch { // what is attached stays, and else it is descriptors of ours only
	case s == nil || s.shared:
	case s.object != nil:
		_ = s.object.Close()
	case s.program != nil:
		_ = s.program.Close()
	}
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

// shareKey is false for a program that each line has to itself. Whether it has
// maps of its own is known when it is loaded.
func (r *programRequest) shareKey(e *env, run ebpf.ProgramType, ifindex int) (key shareKey, ok bool) {
	if e.batch == nil || r.Alone || r.File == "" || r.File == "-" || r.Verbose || r.Export != "" || !r.Load.plain() {
		return key, false
	}
	key = shareKey{r.programName(run), ifindex, stateOf(r.File)}
	return key, key.fileState != fileState{}
}

// plain reports whether the line asks for no more than the object does.
func (r *loadRequest) plain() bool {
	return len(r.Variables)+len(r.Maps)+len(r.TailCalls) == 0 && r.PinMaps == "" && r.PinProgram == ""
}

// shared is nil for a program that was not loaded yet.
func (e *env) shared(key shareKey) *source {
	if e.batch == nil {
		return nil
	}
	s, _ := e.batch.kept[key].(*source)
	return s
}

// share keeps a program for the lines of a batch that follow, unless it has a
// map that no other load would find again.
func (e *env) share(s *source) {
	private := func(m *load.Map) bool { return m.Pin == "" }
	if s.key == (shareKey{}) || slices.ContainsFunc(s.maps(), private) {
		return
	}
	s.shared = true
	kept := *s
	e.batch.kept[s.key] = &kept
}
