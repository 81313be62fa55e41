package prog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/offload"
	"github.com/xdpload/xdpload/pin"
)

// Info is what the kernel tells of a loaded program.
type Info struct {
	ID    uint32           // its number
	Name  string           // up to 15 bytes; empty when the loader gave none
	Tag   string           // 16 hex digits, a hash of the instructions
	Type  ebpf.ProgramType // which hooks run it
	JITed bool             // it runs as machine code
	// XlatedSize and JITedSize are bytes: of the instructions as the verifier left
	// them, and of the machine code. They are 0 when the caller may not know.
	XlatedSize, JITedSize int
	LoadTime              uint64   // nanoseconds since boot
	CreatedBy             uint32   // user id
	MapIDs                []uint32 // in the order in which the program names them
	BTF                   uint32   // id of its type information, 0 without
	Stats                 Stats    // of its runs up to now
	// Device is the one that the program is offloaded to, nil for none.
	Device *offload.Binding
	// DeviceGone says that it was offloaded to a device that is gone: then
	// nothing but the ID is known.
	DeviceGone bool
}

// Program is a program in the kernel. Close gives its file descriptor back;
// the program stays as long as it is attached, pinned or held by someone else.
type Program struct {
	Info
	// VerifierLog is what the verifier said, if the load was verbose.
	VerifierLog string

	// Program is the same for cilium/ebpf, and closed with this one.
	Program *ebpf.Program
}

// New makes a Program of one of cilium/ebpf, and takes it over; after an error that
// stays the caller's.
func New(p *ebpf.Program) (*Program, error) {
	info, err := sys.InfoOfProgram(p.FD())
	if errors.Is(err, unix.ENODEV) {
		return nil, errDeviceGone()
	}
	if err != nil {
		return nil, err
	}
	return &Program{Info: InfoOf(info), VerifierLog: p.VerifierLog, Program: p}, nil
}

// InfoOf makes an Info of what the kernel says of a program.
func InfoOf(info *sys.ProgramInfo) Info {
	out := Info{
		ID:         info.ID,
		Name:       info.Name.String(),
		Tag:        info.Tag.String(),
		Type:       ebpf.ProgramType(info.Type),
		JITed:      info.JITedSize > 0,
		XlatedSize: int(info.XlatedSize),
		JITedSize:  int(info.JITedSize),
		LoadTime:   info.LoadTime,
		CreatedBy:  info.CreatedBy,
		MapIDs:     info.MapIDs,
		BTF:        info.BTF,
		Stats:      Stats{Runs: info.Runs, Time: time.Duration(info.RunTime), Misses: info.RecursionMisses},
	}
	if info.Ifindex != 0 {
		out.Device = &offload.Binding{Ifindex: int(info.Ifindex), NetNSDev: info.NetnsDev, NetNSInode: info.NetnsInode}
	}
	return out
}

func errDeviceGone() error {
	return fmt.Errorf("the device that it was offloaded to is gone: %w", unix.ENODEV)
}

// FD returns the file descriptor, which stays the program's.
func (p *Program) FD() int { return p.Program.FD() }

// Owner is what the pins of arrays that live as long as the program are named by.
func (p *Info) Owner() pin.Owner {
	return pin.Owner{ID: p.ID, Tag: p.Tag, LoadTime: p.LoadTime}
}

// Trace has a program of type raw_tracepoint run where the kernel passes a tracepoint, until
// the result is closed, by the caller or with the process. The error is an errno: ENOENT from
// a kernel without that tracepoint, EINVAL where it has fewer arguments than the program
// reads.
func (p *Program) Trace(tracepoint string) (io.Closer, error) {
	fd, err := sys.OpenRawTracepoint(tracepoint, p.FD())
	if err != nil {
		return nil, fmt.Errorf("tracepoint %s: %w", tracepoint, err)
	}
	return descriptor(fd), nil
}

type descriptor int

func (d descriptor) Close() error { return sys.Close(int(d)) }

// Close closes the file descriptor.
func (p *Program) Close() error { return p.Program.Close() }

// TypeError says that a program is not of the type that the hook runs.
type TypeError struct {
	Program    string           // a path, a descriptor or a name
	Have, Want ebpf.ProgramType // its type, and the hook's
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("%s is a program of type %s, the hook runs %s", e.Program, kernelname.Program(e.Have), kernelname.Program(e.Want))
}

// OpenPinned opens the program that is pinned at a path of a BPF file system.
// A map, a link or a program of another type there is an error that says so;
// [ebpf.UnspecifiedProgram] takes every type.
// The caller closes the program.
func OpenPinned(path string, want ebpf.ProgramType) (*Program, error) {
	prog, err := ebpf.LoadPinnedProgram(path, nil)
	if err != nil {
		return nil, pinError(path, err)
	}
	return checked(prog, path, want)
}

// OpenID opens the loaded program with that id. The caller closes the program.
func OpenID(id uint32, want ebpf.ProgramType) (*Program, error) {
	name := fmt.Sprintf("id %d", id)
	fd, err := sys.ProgramByID(id)
	if err != nil {
		return nil, err
	}
	prog, err := ebpf.NewProgramFromFD(fd)
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", name, kernelname.Refusal(err))
	}
	return checked(prog, name, want)
}

// IDError says why what is named by its id, or the list of all ids, is not shown. It is
// os.ErrPermission without CAP_SYS_ADMIN, whatever else a process may.
type IDError = sys.IDError

// OpenFD takes over a file descriptor of a program that the process inherited.
func OpenFD(fd int, want ebpf.ProgramType) (*Program, error) {
	name := fmt.Sprintf("fd %d", fd)
	prog, err := ebpf.NewProgramFromFD(fd)
	if err != nil {
		return nil, fmt.Errorf("%s: not a BPF program: %w", name, kernelname.Refusal(err))
	}
	return checked(prog, name, want)
}

func checked(prog *ebpf.Program, name string, want ebpf.ProgramType) (*Program, error) {
	p, err := New(prog)
	if err == nil && want != ebpf.UnspecifiedProgram && p.Type != want {
		err = &TypeError{Program: name, Have: p.Type, Want: want}
	}
	if err != nil {
		prog.Close()
		return nil, err
	}
	return p, nil
}

// InfoByID returns what the kernel tells of the program with that id. The
// error is os.ErrNotExist when there is none, and os.ErrPermission without
// CAP_SYS_ADMIN.
func InfoByID(id uint32) (Info, error) {
	fd, err := sys.ProgramByID(id)
	if err != nil {
		return Info{}, err
	}
	defer sys.Close(fd)
	return InfoByFD(fd, id)
}

// InfoByFD is InfoByID for a program that is open.
func InfoByFD(fd int, id uint32) (Info, error) {
	info, err := sys.InfoOfProgram(fd)
	if errors.Is(err, unix.ENODEV) {
		return Info{ID: id, DeviceGone: true}, nil
	}
	if err != nil {
		return Info{}, err
	}
	return InfoOf(info), nil
}

// pinError says what is at the path when it is not a program.
func pinError(path string, err error) error {
	if errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("pinned %s: %w", path, errDeviceGone())
	}
	if errors.Is(err, os.ErrPermission) {
		return &os.PathError{Op: "open pin", Path: path, Err: kernelname.Refusal(err)}
	}
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("pinned %s: %w", path, pin.Missing(path))
	}
	if m, mapErr := ebpf.LoadPinnedMap(path, nil); mapErr == nil {
		defer m.Close()
		return fmt.Errorf("pinned %s: a map of type %s, not a program", path, kernelname.Map(m.Type()))
	}
	if fd, kind, sysErr := sys.OpenPinned(path); sysErr == nil {
		defer sys.Close(fd)
		if kind == sys.KindLink {
			return fmt.Errorf("pinned %s: a bpf_link, not a program", path)
		}
	}
	return fmt.Errorf("pinned %s: not a BPF program: %w", path, kernelname.Refusal(err))
}

// Does reports whether a program that is attached does the same as p, which
// comes from elsewhere and shares all its maps.
func (p *Program) Does(attached Info) (bool, error) {
	return p.ID == attached.ID || p.Tag == attached.Tag && slices.Equal(p.MapIDs, attached.MapIDs), nil
}
