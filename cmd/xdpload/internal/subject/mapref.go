package subject

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// MapRef names a map in the kernel.
type MapRef struct {
	Pinned  string
	ID      uint32
	Name    string
	Program string // "NAME/map" of "prog:NAME/map"
	// Device, Hook and OnDevice are of "dev:DEV/HOOK/MAP": a map of what runs there.
	// Hook is how the hook's name begins, "" for any.
	Device, Hook, OnDevice string
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
		grammar.Value("PATH|prog:NAME/MAP|dev:DEV[/HOOK]/MAP", r.set).Accept(looksLikeMap).Completes(grammar.Pinned).
			Help("a path, the map of the program with this name or id, or the map of what runs on a device, as dev:eth0/stats or dev:eth0/tcx/ingress/stats"),
		grammar.Value("NAME|N", idOrName(&r.ID, &r.Name)).Accept(looksLikeName).Completes(grammar.LoadedMap).
			Help("the only map with this name, or the one with this id"),
	).Named("MAP")
}

const (
	ofProgram = "prog:"
	ofDevice  = "dev:"
)

func looksLikeMap(word string) bool {
	return LooksLikePath(word) || strings.HasPrefix(word, ofProgram) || strings.HasPrefix(word, ofDevice)
}

func (r *MapRef) set(word string) error {
	if place, ok := strings.CutPrefix(word, ofDevice); ok {
		return r.setPlace(place)
	}
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

// setPlace reads DEV[/HOOK]/MAP, of which hooks alone have a slash in their names.
func (r *MapRef) setPlace(place string) error {
	device, rest, _ := strings.Cut(place, "/")
	last := strings.LastIndexByte(rest, '/')
	r.Device, r.Hook, r.OnDevice = device, rest[:max(0, last)], rest[last+1:]
	if r.Device == "" || r.OnDevice == "" {
		return errors.New("expected dev:DEV/MAP or dev:DEV/HOOK/MAP")
	}
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
	case r.Device != "":
		return ofDevice + path.Join(r.Device, r.Hook, r.OnDevice)
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
	if err != nil && r.Pinned == "" { // else it names the path
		err = fmt.Errorf("%v: %w", r, err)
	}
	return m, err
}

func (r *MapRef) find(e *env.Env, how *ebpf.LoadPinOptions) (*ebpf.Map, error) {
	switch {
	case r.Pinned != "":
		return pin.OpenMap(PinPath(e, r.Pinned), how)
	case r.ID != 0:
		return OpenMapID(r.ID)
	case r.Program != "":
		return openMapOf(r.Program)
	case r.Device != "":
		return r.openOnDevice(e)
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
		return nil, &prog.IDError{Kind: "map", ID: id, Err: kernelname.Refusal(err)}
	}
	return m, nil
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
		found = addNamed(found, p.MapIDs, name)
	}
	return onlyMap(found, fmt.Sprintf("program %s uses no map %s", program, name), "several programs with this name use such a map")
}

// addNamed adds the ids of maps that have a name, each once.
func addNamed(found, ids []uint32, name string) []uint32 {
	for _, id := range ids {
		if mapIs(id, name) && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	return found
}

// openOnDevice finds the map among those of the programs on a device, and of what these
// tail-call.
func (r *MapRef) openOnDevice(e *env.Env) (*ebpf.Map, error) {
	conn, ifindex, err := e.Device(r.Device)
	if err != nil {
		return nil, err
	}
	here, err := Collect(attach.Attachments(conn, ifindex), func(a *attach.Attachment) bool { return strings.HasPrefix(a.Hook(), r.Hook) })
	if err != nil {
		return nil, err
	}
	if len(here) == 0 {
		return nil, notFoundError("nothing runs there")
	}
	var found []uint32
	for _, a := range here {
		all, err := reachedMaps(a.Program.MapIDs)
		if err != nil {
			return nil, err
		}
		found = addNamed(found, all, r.OnDevice)
	}
	return onlyMap(found, "no program there uses a map "+r.OnDevice, "several programs there use such a map")
}

// reachedMaps adds to the maps of a program those of the programs that it may tail-call.
func reachedMaps(ids []uint32) ([]uint32, error) {
	all := slices.Clone(ids)
	for i := 0; i < len(all); i++ { // grows meanwhile
		programs, err := programsIn(all[i])
		if err != nil {
			return nil, err
		}
		for _, id := range programs {
			info, err := prog.InfoByID(id)
			if errors.Is(err, fs.ErrNotExist) {
				continue // gone since
			}
			if err != nil {
				return nil, err
			}
			for _, m := range info.MapIDs {
				if !slices.Contains(all, m) {
					all = append(all, m)
				}
			}
		}
	}
	return all, nil
}

// programsIn lists the ids of the programs in a map, none if it is no array of programs.
func programsIn(id uint32) (programs []uint32, err error) {
	m, err := OpenMapID(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // gone since
	}
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if m.Type() != ebpf.ProgramArray {
		return nil, nil
	}
	var slot, program uint32
	for all := m.Iterate(); all.Next(&slot, &program); {
		programs = append(programs, program)
	}
	return programs, nil
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
