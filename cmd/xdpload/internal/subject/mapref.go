package subject

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/prog"
)

// MapRef names a map in the kernel.
type MapRef struct {
	Pinned  string
	ID      uint32
	Name    string
	Program string // "NAME/map" of "prog:NAME/map"
}

// Grammar is the alternatives that name a map.
func (r *MapRef) Grammar() *grammar.Node {
	return grammar.Alt(
		grammar.Key("pinned", "PATH", grammar.String(&r.Pinned)).Completes(grammar.Pinned).
			Help("the map that is pinned at this path; m:REST is below the BPF file system's tc directory"),
		grammar.Key("id", "N", grammar.Number(&r.ID, 1, math.MaxUint32)).Completes(grammar.LoadedMapID).
			Help("the map with this id"),
		grammar.Key("name", "NAME", grammar.String(&r.Name)).Completes(grammar.LoadedMap).
			Help("the only map with this name"),
		grammar.Value("PATH|prog:NAME/MAP", r.set).Accept(looksLikeMap).Completes(grammar.Pinned).
			Help("a path, or the map of the program with this name or id"),
		grammar.Value("NAME|N", idOrName(&r.ID, &r.Name)).Accept(looksLikeName).Completes(grammar.LoadedMap).
			Help("the only map with this name, or the one with this id"),
	).Named("MAP")
}

const ofProgram = "prog:"

func looksLikeMap(word string) bool {
	return LooksLikePath(word) || strings.HasPrefix(word, ofProgram)
}

func (r *MapRef) set(word string) error {
	rest, ok := strings.CutPrefix(word, ofProgram)
	if !ok {
		r.Pinned = word
		return nil
	}
	if program, name, ok := strings.Cut(rest, "/"); !ok || program == "" || name == "" {
		return errors.New("expected prog:NAME/MAP")
	}
	r.Program = rest
	return nil
}

// Empty reports whether no map was named.
func (r *MapRef) Empty() bool { return *r == MapRef{} }

func (r *MapRef) String() string {
	switch {
	case r.Pinned != "":
		return r.Pinned
	case r.ID != 0:
		return fmt.Sprintf("map id %d", r.ID)
	case r.Program != "":
		return ofProgram + r.Program
	}
	return "map name " + r.Name
}

// Open opens the map. The caller closes it.
func (r *MapRef) Open(e *env.Env) (*ebpf.Map, error) { return r.open(e, nil) }

// OpenToRead is Open for who changes nothing: of a pin, that takes no more than to be allowed to
// read it.
func (r *MapRef) OpenToRead(e *env.Env) (*ebpf.Map, error) {
	return r.open(e, &ebpf.LoadPinOptions{ReadOnly: true})
}

func (r *MapRef) open(e *env.Env, how *ebpf.LoadPinOptions) (*ebpf.Map, error) {
	m, err := r.find(e, how)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", r, err)
	}
	return m, nil
}

func (r *MapRef) find(e *env.Env, how *ebpf.LoadPinOptions) (*ebpf.Map, error) {
	switch {
	case r.Pinned != "":
		return openPinnedMap(PinPath(e, r.Pinned), how)
	case r.ID != 0:
		return OpenMapID(r.ID)
	case r.Program != "":
		return openMapOf(r.Program)
	}
	return openMapNamed(r.Name)
}

// OpenMapID opens the map with this id. The caller closes it.
func OpenMapID(id uint32) (*ebpf.Map, error) {
	m, err := ebpf.NewMapFromID(ebpf.MapID(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFoundError("no such map")
	}
	if err != nil {
		return nil, &prog.IDError{Kind: "map", ID: id, Err: err}
	}
	return m, nil
}

func openPinnedMap(path string, how *ebpf.LoadPinOptions) (*ebpf.Map, error) {
	if _, err := os.Lstat(path); err != nil {
		return nil, err
	}
	m, err := ebpf.LoadPinnedMap(path, how)
	if errors.Is(err, fs.ErrPermission) {
		return nil, &fs.PathError{Op: OpOpenPin, Path: path, Err: err}
	}
	if err == nil {
		return m, nil
	}
	if p, progErr := ebpf.LoadPinnedProgram(path, nil); progErr == nil {
		defer p.Close()
		return nil, fmt.Errorf("a program of type %s, not a map", kernelname.Program(p.Type()))
	}
	return nil, fmt.Errorf("not a map: %w", err)
}

// openMapNamed finds the only map with a name; the kernel keeps 15 bytes of it.
func openMapNamed(name string) (*ebpf.Map, error) {
	found, err := Collect(MapIDs(), func(id uint32) bool { return NameOfMap(id) == KernelName(name) })
	if err != nil {
		return nil, err
	}
	return onlyMap(found, "no such map", "several maps have this name")
}

// openMapOf finds the map "NAME/map" of a loaded program.
func openMapOf(ref string) (*ebpf.Map, error) {
	program, name, _ := strings.Cut(ref, "/")
	programs, err := Collect(LoadedPrograms(), func(p *prog.Info) bool {
		return p.Name == KernelName(program) || strconv.FormatUint(uint64(p.ID), 10) == program
	})
	if err != nil {
		return nil, err
	}
	if len(programs) == 0 {
		return nil, notFoundError(fmt.Sprintf("no program %s is loaded", program))
	}
	var found []uint32
	for _, p := range programs {
		for _, id := range p.MapIDs {
			if mapIs(id, name) && !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	return onlyMap(found, fmt.Sprintf("program %s uses no map %s", program, name), "several programs with this name use such a map")
}

// mapIs reports whether a map has a name, a section of variables also behind the name of
// its object, as libbpf calls them: "xdp_app.data".
func mapIs(id uint32, name string) bool {
	has := NameOfMap(id)
	return has == KernelName(name) || strings.HasPrefix(name, ".") && strings.HasSuffix(has, name)
}

func onlyMap(ids []uint32, none, several string) (*ebpf.Map, error) {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = fmt.Sprintf("id %d", id)
	}
	if err := only(words, none, several); err != nil {
		return nil, err
	}
	return OpenMapID(ids[0])
}

// only is why what was found is not one thing, nil if it is.
func only(found []string, none, several string) error {
	switch len(found) {
	case 0:
		return notFoundError(none)
	case 1:
		return nil
	}
	return fmt.Errorf("%s: choose one by %s", several, strings.Join(found, ", "))
}

// notFoundError says what the kernel does not have. It is fs.ErrNotExist, whose text
// is about files.
type notFoundError string

func (e notFoundError) Error() string { return string(e) }

// Is reports whether the target is fs.ErrNotExist.
func (notFoundError) Is(target error) bool { return target == fs.ErrNotExist }

// KernelName cuts a name as the kernel does.
func KernelName(name string) string {
	const room = 15
	return name[:min(len(name), room)]
}

// NameOfMap returns the name of the map with this id, "" if it cannot be told.
func NameOfMap(id uint32) string {
	m, err := ebpf.NewMapFromID(ebpf.MapID(id))
	if err != nil {
		return ""
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		return ""
	}
	return info.Name
}
