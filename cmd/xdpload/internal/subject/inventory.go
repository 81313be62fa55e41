package subject

import (
	"errors"
	"io/fs"
	"iter"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/prog"
)

// Collect lists what is wanted of a sequence, all of it with a nil want. It ends with the first error.
func Collect[T any](all iter.Seq2[T, error], want func(T) bool) (list []T, err error) {
	for v, err := range all {
		if err != nil {
			return nil, err
		}
		if want == nil || want(v) {
			list = append(list, v)
		}
	}
	return list, nil
}

// MapIDs lists the ids of all maps. It takes CAP_SYS_ADMIN.
func MapIDs() iter.Seq2[uint32, error] { return ids("map", ebpf.MapGetNextID) }

// ids walks from one id of a kind of things to the next.
func ids[T ~uint32](kind string, after func(T) (T, error)) iter.Seq2[uint32, error] {
	return func(yield func(uint32, error) bool) {
		for id := T(0); ; {
			next, err := after(id)
			if errors.Is(err, fs.ErrNotExist) {
				return
			}
			if err != nil {
				yield(0, &prog.IDError{Kind: kind, Err: err})
				return
			}
			if !yield(uint32(next), nil) {
				return
			}
			id = next
		}
	}
}

// LoadedPrograms lists the programs that are loaded. It takes CAP_SYS_ADMIN.
func LoadedPrograms() iter.Seq2[*prog.Info, error] {
	return func(yield func(*prog.Info, error) bool) {
		for id, err := range ids("program", ebpf.ProgramGetNextID) {
			var info prog.Info
			if err == nil {
				info, err = prog.InfoByID(id)
			}
			if errors.Is(err, fs.ErrNotExist) {
				continue // gone since
			}
			if !yield(&info, err) || err != nil {
				return
			}
		}
	}
}

// ProgramsNamed lists the loaded programs with a name, of which the kernel keeps 15
// bytes; all of them with "".
func ProgramsNamed(name string) ([]*prog.Info, error) {
	return Collect(LoadedPrograms(), func(p *prog.Info) bool { return name == "" || p.Name == KernelName(name) })
}

// Users maps ids of maps to the programs that use them.
type Users map[uint32][]*ProgramReport

// MapUsers returns the programs that use each map, by the id of the map. Who may not list
// programs is told that these are missing.
func MapUsers(e *env.Env) (Users, error) {
	all := make(Users)
	for p, err := range LoadedPrograms() {
		if errors.Is(err, fs.ErrPermission) {
			e.Warn("which programs use a map is left out, because to list programs takes CAP_SYS_ADMIN")
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, id := range p.MapIDs {
			all[id] = append(all[id], ReportProgram(p))
		}
	}
	return all, nil
}

// Place is where a program runs: "v0 xdpdrv", "v0 clsact/ingress pref 1 handle 0x1".
type Place struct {
	Device string `json:"device" always:"%s"`
	Hook   string `json:"hook" always:" %s"`
	Pref   uint16 `json:"pref,omitempty" text:" pref %d"`
	Chain  uint32 `json:"chain,omitempty" text:" chain %d"`
	Handle string `json:"handle,omitempty" text:" handle %s"`
}

func (p Place) String() string { return render.Fields(p) }

func placeOf(a *attach.Attachment) Place {
	p := Place{Device: a.Device, Hook: a.Hook()}
	if f := a.Filter; f != nil {
		p.Pref, p.Chain, p.Handle = f.Pref, f.Chain, HandleText(f.Handle)
	}
	return p
}

// WarnHidden says what is left out of a list of hooks, if something is hidden.
func WarnHidden(e *env.Env, hidden error) {
	switch {
	case hidden == nil:
	case Lacks(unix.CAP_NET_ADMIN):
		e.Warn("what runs on tcx and netkit hooks is left out, because to look at them takes CAP_NET_ADMIN")
	default:
		e.Warn("what runs on tcx and netkit hooks is left out: %v", hidden)
	}
}

// Hooks maps ids of programs to the places in this network namespace that run them.
func Hooks(e *env.Env) (map[uint32][]Place, error) {
	conn, err := e.Netlink()
	if err != nil {
		return nil, err
	}
	all := make(map[uint32][]Place)
	var known attach.Inventory
	for a, err := range known.Attachments(conn, 0) {
		if err != nil {
			return nil, err
		}
		all[a.Program.ID] = append(all[a.Program.ID], placeOf(a))
	}
	WarnHidden(e, known.Hidden())
	return all, nil
}
