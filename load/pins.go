package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// PinOptions says where and how a load pins. The zero value pins what the
// object asks for, on the BPF file system that everyone uses. Nothing is
// looked at on a file system as long as nothing is to be pinned.
type PinOptions struct {
	// Root is the mounted BPF file system, [pin.DefaultRoot] if empty.
	Root string
	// Databases are the files that give custom pinning numbers their
	// directories; the first that exists counts. Nil is iproute2's:
	// /etc/iproute2/bpf_pinning, then /usr/share/iproute2/bpf_pinning.
	Databases []string
	// Maps is a directory, absolute or "m:REST", where the maps are pinned
	// that the object does not pin, and looked for by later loads; empty for
	// none. Sections of global variables are not pinned.
	Maps string
	// Program is a path, absolute or "m:REST", at which the program is
	// pinned; empty for none.
	Program string
	// Programs is a directory, absolute or "m:REST", in which each selected program is
	// pinned by its name; empty for none.
	Programs string
	// OnMismatch is what to do about a pinned map that differs from the object's.
	OnMismatch OnMismatch
	// Off has nothing pinned and nothing that is pinned reused, whatever the
	// object asks for: each map is made for this load alone. A map that
	// [Options].Maps names is used all the same.
	Off bool
}

// databases is where iproute2 looks (lib/bpf_legacy.c).
var databases = []string{"/etc/iproute2/bpf_pinning", "/usr/share/iproute2/bpf_pinning"}

// OnMismatch is what a load does about a pinned map that differs from the one
// that the object defines.
type OnMismatch uint8

// The ways to deal with a mismatch. A map that takes another's place does so
// together with all pins of the load; programs that run go on with the old one.
const (
	MismatchFail     OnMismatch = iota // refuse the load
	MismatchRecreate                   // pin a new map in its place
	MismatchMigrate                    // the same, and copy the entries into it, by the names of members
)

var mismatchNames = [...]string{MismatchFail: "fail", MismatchRecreate: "recreate", MismatchMigrate: "migrate"}

// String returns "fail", "recreate" or "migrate".
func (m OnMismatch) String() string {
	if int(m) >= len(mismatchNames) {
		return fmt.Sprintf("on-mismatch %d", uint8(m))
	}
	return mismatchNames[m]
}

// pins is the part of a load that deals with the BPF file system. It opens it
// when it is first needed.
type pins struct {
	obj     *elf.Object
	options PinOptions
	object  pin.Object // the hash is made when it is first needed
	fs      *pin.FS
	txn     *pin.Txn
	// taken is why the program cannot be pinned: for Publish to tell, as an
	// idempotent hook may have the program that is pinned there.
	taken error
}

func newPins(obj *elf.Object, typ ebpf.ProgramType, o PinOptions) *pins {
	return &pins{obj: obj, options: o, object: pin.Object{Dir: pinDir(typ)}}
}

// pinDir is iproute2's directory for a type of program.
func pinDir(t ebpf.ProgramType) pin.Dir {
	switch t {
	case ebpf.XDP:
		return pin.XDP
	case ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit, ebpf.LWTSeg6Local:
		return pin.IP
	default:
		return pin.TC
	}
}

func (p *pins) begin() (err error) {
	if p.txn != nil {
		return nil
	}
	root := p.options.Root
	if root == "" {
		root = pin.DefaultRoot
	}
	if p.fs, err = pin.Open(root); err != nil {
		return err
	}
	p.txn, err = p.fs.Begin()
	return err
}

// path returns where a map is to be pinned, "" for nowhere.
func (p *pins) path(m elf.Map) (string, error) {
	if p.options.Off || m.Pinning == elf.PinNone && p.options.Maps == "" {
		return "", nil
	}
	if err := p.begin(); err != nil {
		return "", fmt.Errorf("pin: %w", err)
	}
	if m.Pinning == elf.PinNone {
		return filepath.Join(p.fs.Path(p.object.Dir, p.options.Maps), pin.FileName(m.Name)), nil
	}
	number := pin.Pinning(m.Pinning)
	switch {
	case m.Pinning == elf.PinByName:
		number = pin.GlobalNS
	case m.Pinning == elf.PinObject:
		p.object.SHA1 = p.obj.SHA1()
	case m.Pinning.Custom():
		if err := p.readDatabase(); err != nil {
			return "", fmt.Errorf("pin: %w", err)
		}
		if _, err := p.object.Database.Subpath(number); err != nil {
			return "", err
		}
	}
	return p.fs.MapPath(p.object, m.Name, number)
}

func (p *pins) readDatabase() (err error) {
	if p.object.Database != nil {
		return nil
	}
	files := p.options.Databases
	if files == nil {
		files = databases
	}
	p.object.Database, err = pin.ReadDatabase(files...)
	return err
}

func (p *pins) warnings() []string {
	if p.object.Database == nil {
		return nil
	}
	return p.object.Database.Warnings
}

// programPath returns where a program is to be pinned, "" for nowhere. A file system is
// open if it is somewhere.
func (p *pins) programPath(name string) (string, error) {
	path := p.options.Program
	if p.options.Programs != "" {
		path = filepath.Join(p.options.Programs, pin.FileName(name))
	}
	if path == "" {
		return "", nil
	}
	if err := p.begin(); err != nil {
		return "", fmt.Errorf("pin: %w", err)
	}
	return p.fs.Path(p.object.Dir, path), nil
}

// planProgram has the program pinned with the maps, and returns where.
func (p *pins) planProgram(name string, prog *ebpf.Program) (path string, err error) {
	if path, err = p.programPath(name); path == "" || err != nil {
		return "", err
	}
	if _, err := os.Lstat(path); err == nil {
		if p.taken == nil {
			p.taken = &Error{Program: name, Err: &os.PathError{Op: "pin", Path: path, Err: os.ErrExist}}
		}
		return path, nil
	}
	return path, p.txn.Pin(path, prog)
}

// has reports whether a program is pinned where the load shall pin its own, if it
// shall.
func (p *pins) has(info prog.Info) (bool, error) {
	if p.options.Program == "" {
		return true, nil
	}
	path := p.fs.Path(p.object.Dir, p.options.Program)
	fd, kind, err := sys.OpenPinned(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer sys.Close(fd)
	if kind != sys.KindProgram {
		return false, nil
	}
	is, err := sys.InfoOfProgram(fd)
	return err == nil && is.ID == info.ID, err
}

func (p *pins) publish(ctx context.Context) error {
	if p.txn == nil || p.taken != nil {
		return p.taken
	}
	return p.txn.Publish(ctx)
}

func (p *pins) commit() error {
	if p.txn == nil {
		return nil
	}
	return p.txn.Commit()
}

func (p *pins) rollback() error {
	if p.txn == nil {
		return nil
	}
	return p.txn.Rollback()
}

// A mapSource is where a load has got a map from.
type mapSource struct {
	reused string // the path or id of a map that was there before, "" for a new one
	pin    string // the path at which the map is, or is to be, pinned
}

// obtainMap finds the map that the object shares with others, or makes one.
func (l *loader) obtainMap(name string, spec *ebpf.MapSpec) (*ebpf.Map, mapSource, error) {
	if strings.HasPrefix(name, ".") { // global variables
		m, err := l.createMap(spec)
		return m, mapSource{}, err
	}
	if o := l.options.mapOption(name); o.Pinned != "" || o.ID != 0 || o.Open != nil {
		return l.givenMap(o, spec)
	}
	path, err := l.pins.path(l.defined[name])
	if err != nil {
		return nil, mapSource{}, err
	}
	if path == "" {
		m, err := l.createMap(spec)
		return m, mapSource{}, err
	}
	return l.pinnedMap(path, spec)
}

// pinnedMap reuses what is pinned at path, or makes a map that will be.
func (l *loader) pinnedMap(path string, spec *ebpf.MapSpec) (*ebpf.Map, mapSource, error) {
	old, err := l.pins.txn.LoadMap(path)
	if errors.Is(err, os.ErrNotExist) {
		m, err := l.createPinned(spec, func(m *ebpf.Map) error { return l.pins.txn.Pin(path, m) })
		return m, mapSource{pin: path}, err
	}
	if err != nil {
		return nil, mapSource{}, err
	}
	err = pin.Compatible(path, spec, old)
	if err == nil {
		return old, mapSource{reused: path, pin: path}, nil
	}
	defer old.Close()
	if _, differs := errors.AsType[*pin.MismatchError](err); !differs || l.options.Pins.OnMismatch == MismatchFail {
		return nil, mapSource{}, err
	}
	m, err := l.createPinned(spec, func(m *ebpf.Map) error {
		if l.options.Pins.OnMismatch == MismatchMigrate {
			if err := l.migrate(path, old, m); err != nil {
				return fmt.Errorf("migrate from %s: %w", path, err)
			}
		}
		return l.pins.txn.Replace(path, m)
	})
	return m, mapSource{pin: path}, err
}

func (l *loader) createPinned(spec *ebpf.MapSpec, place func(*ebpf.Map) error) (*ebpf.Map, error) {
	m, err := l.createMap(spec)
	if err != nil {
		return nil, err
	}
	if err := place(m); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// givenMap opens the map that the caller names.
func (l *loader) givenMap(o MapOption, spec *ebpf.MapSpec) (*ebpf.Map, mapSource, error) {
	if o.Pinned == "" {
		return openMap(o, spec)
	}
	path := o.Pinned
	if strings.HasPrefix(path, "m:") {
		if err := l.pins.begin(); err != nil {
			return nil, mapSource{}, err
		}
		path = l.pins.fs.Path(l.pins.object.Dir, path)
	}
	m, err := pin.OpenMap(path, nil)
	if err != nil {
		return nil, mapSource{}, err
	}
	return compatible(m, path, spec, mapSource{reused: path, pin: path})
}

// openMap opens a map that is named by no pin.
func openMap(o MapOption, spec *ebpf.MapSpec) (*ebpf.Map, mapSource, error) {
	if o.Open == nil {
		o.Open = func() (*ebpf.Map, error) { return ebpf.NewMapFromID(ebpf.MapID(o.ID)) }
	}
	m, err := o.Open()
	if err != nil {
		if o.ID != 0 {
			err = fmt.Errorf("id %d: %w", o.ID, kernelname.Refusal(err))
		}
		return nil, mapSource{}, err
	}
	info, err := sys.InfoOfMap(m.FD())
	if err != nil {
		m.Close()
		return nil, mapSource{}, err
	}
	name := fmt.Sprintf("id %d", info.ID)
	return compatible(m, name, spec, mapSource{reused: name})
}

func compatible(m *ebpf.Map, path string, spec *ebpf.MapSpec, s mapSource) (*ebpf.Map, mapSource, error) {
	err := pin.Compatible(path, spec, m)
	if err == nil {
		return m, s, nil
	}
	if x, differs := errors.AsType[*pin.MismatchError](err); differs {
		x.Given = true
	}
	m.Close()
	return nil, mapSource{}, err
}
