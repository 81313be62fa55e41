package subject

import (
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// A Source is where the program of a line comes from. Lines of a batch that name
// the same program of the same file have one source, if its maps are others' too.
type Source struct {
	Object  *xdpload.Object // nil for a program that is open, and for classic BPF
	program *prog.Program   // that is open
	request *ProgramRequest
	want    ebpf.ProgramType
	key     ShareKey // of a batch, the zero value for what lines do not share
	Name    string   // of filters that run it
	Reused  bool     // it was loaded by an earlier line
	shared  bool     // the batch closes it
	told    bool     // what there was to tell of the load
}

// Plan is what a plan has as its source.
func (s *Source) Plan() attach.Source {
	switch {
	case s == nil:
		return nil
	case s.Object != nil:
		return s.Object
	}
	return xdpload.Open(s.program)
}

// Source finds what a line is to run. ifindex is that of the device that shall run
// it itself, 0 for the kernel.
func (r *ProgramRequest) Source(e *env.Env, want ebpf.ProgramType, ifindex int) (*Source, error) {
	key, sharing := r.ShareKey(e, want, ifindex)
	if shared := Shared(e, key); sharing && shared != nil {
		again := *shared
		again.Reused, again.request = true, r
		return &again, nil
	}
	s := &Source{request: r, want: want}
	if sharing {
		s.key = key
	}
	if r.File == "" {
		var err error
		s.program, err = r.opened(e, want)
		return s, err
	}
	if err := r.CheckType(want); err != nil {
		return nil, err
	}
	obj, err := r.Object(e)
	if err != nil {
		return nil, err
	}
	if s.Object = r.Prefetched.take(obj); s.Object == nil {
		s.Object = &xdpload.Object{Object: obj, Options: r.Options(e, want, ifindex)}
	}
	return s, nil
}

// Maps are those of the load.
func (s *Source) Maps() []*load.Map {
	if l := s.loaded(); l != nil {
		return l.Maps
	}
	return nil
}

// loaded is what was made of the object, nil before and for another source.
func (s *Source) loaded() *load.Loaded {
	if s == nil || s.Object == nil {
		return nil
	}
	return s.Object.Loaded()
}

// progress tells of the load, nil without one.
func (s *Source) progress(e *env.Env) *env.Progress {
	if s == nil || s.Object == nil || s.loaded() != nil {
		return nil
	}
	return e.Progress("loading " + s.request.Name())
}

// announce says what there is to tell of a load that came to something, and keeps
// it for the lines of a batch that follow.
func (s *Source) announce(e *env.Env) {
	if s.loaded() == nil || s.told {
		return
	}
	s.told = true
	s.request.Tell(e, s.loaded())
	share(e, s)
}

// Tell passes on what the verifier said, and what was ignored.
func (r *ProgramRequest) Tell(e *env.Env, l *load.Loaded) {
	if log := strings.TrimRight(l.Program().VerifierLog, "\n"); r.Verbose && log != "" {
		e.Notify(env.Notice{VerifierLog: strings.Split(log, "\n")})
	}
	for _, w := range l.Warnings {
		e.Warn("%s", w)
	}
}

// Failed says which program it was that was refused.
func (s *Source) Failed(err error) error {
	switch {
	case s == nil || s.request == nil:
		return err
	case s.program != nil:
		return &env.ObjectError{Object: s.request.Name(), Program: s.program.Name, Err: err}
	case s.Reused:
		return &env.ObjectError{Object: s.request.Name(), Program: s.Object.Program().Name, Err: err}
	}
	return s.request.Failed(s.Object.Object, s.request.Selector(s.want), err)
}

// Close closes what the lines of a batch have shared.
func (s *Source) Close() error { return s.Object.Close() }

// Done closes the source, unless lines of a batch share it.
func (s *Source) Done() {
	switch { // what is attached stays, and else it is descriptors of ours only
	case s == nil || s.shared:
	case s.Object != nil:
		_ = s.Object.Close()
	case s.program != nil:
		_ = s.program.Close()
	}
}

// ShareKey is what lines of a batch must have in common to run one program.
type ShareKey struct {
	ProgramName
	ifindex int // that the program is bound to
	FileState
}

// ProgramName is what lines call a program.
type ProgramName struct {
	Run, as                ebpf.ProgramType // by the hook, and by the line
	File, section, program string
}

// ProgramName is how the line calls its program.
func (r *ProgramRequest) ProgramName(run ebpf.ProgramType) ProgramName {
	return ProgramName{run, r.As, r.File, r.Section, r.Program}
}

// FileState changes when a file does.
type FileState struct {
	dev, inode uint64
	size       int64 // bytes
	Written    int64 // nanoseconds, as whoever wrote it wants it
	changed    int64 // nanoseconds, as the kernel saw it
	mode       uint32
}

// StateOf is the zero value for a file that is not to be looked at.
func StateOf(name string) FileState {
	var st unix.Stat_t
	if unix.Stat(name, &st) != nil {
		return FileState{}
	}
	return FileState{
		dev: uint64(st.Dev), inode: st.Ino, size: st.Size, mode: st.Mode,
		Written: unix.TimespecToNsec(st.Mtim), changed: unix.TimespecToNsec(st.Ctim),
	}
}

// Regular reports whether the file can be read twice with the same result.
func (s FileState) Regular() bool { return s.mode&unix.S_IFMT == unix.S_IFREG }

// ShareKey is false for a program that each line has to itself. Whether it has
// maps of its own is known when it is loaded.
func (r *ProgramRequest) ShareKey(e *env.Env, run ebpf.ProgramType, ifindex int) (key ShareKey, ok bool) {
	if e.InBatch == nil || r.Alone || r.File == "" || r.File == "-" || r.Verbose || r.Export != "" || !r.Load.plain() {
		return key, false
	}
	key = ShareKey{r.ProgramName(run), ifindex, StateOf(r.File)}
	return key, key.FileState != FileState{}
}

// plain reports whether the line asks for no more than the object does.
func (r *LoadRequest) plain() bool {
	return len(r.Variables)+len(r.Maps)+len(r.TailCalls) == 0 && r.PinMaps == "" && r.PinProgram == ""
}

// Shared is nil for a program that was not loaded yet.
func Shared(e *env.Env, key ShareKey) *Source {
	if e.InBatch == nil {
		return nil
	}
	s, _ := e.InBatch.Kept[key].(*Source)
	return s
}

// share keeps a program for the lines of a batch that follow, unless it has a
// map that no other load would find again.
func share(e *env.Env, s *Source) {
	private := func(m *load.Map) bool { return m.Pin == "" }
	if s.key == (ShareKey{}) || slices.ContainsFunc(s.Maps(), private) {
		return
	}
	s.shared = true
	kept := *s
	e.InBatch.Kept[s.key] = &kept
}
