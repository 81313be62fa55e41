package prog

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/pin"
)

// A ProgramArray is a pinned map of programs, for tail calls.
type ProgramArray struct {
	Path       string // at which it is pinned
	ID         uint32 // its number
	MaxEntries uint32 // keys are below it
	// Owner is the type of the programs that it takes, UnspecifiedProgram as
	// long as it had none.
	Owner ebpf.ProgramType

	m *ebpf.Map
}

// OpenProgramArray opens the program array that is pinned at path. The caller
// closes it.
func OpenProgramArray(path string) (_ *ProgramArray, err error) {
	m, err := pin.OpenMap(path, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	if m.Type() != ebpf.ProgramArray {
		return nil, fmt.Errorf("pinned %s: a map of type %s, not a program array", path, kernelname.Map(m.Type()))
	}
	info, err := m.Info()
	if err != nil {
		return nil, fmt.Errorf("pinned %s: %w", path, kernelname.Refusal(err))
	}
	a := &ProgramArray{Path: path, MaxEntries: m.MaxEntries(), m: m}
	id, _ := info.ID()
	a.ID = uint32(id)
	a.Owner, _, err = ArrayState(m)
	return a, err
}

// Close closes the array, and leaves its programs where they are.
func (a *ProgramArray) Close() error { return a.m.Close() }

// ArrayState tells the type of the programs that a program array takes, UnspecifiedProgram
// as long as it had none, and whether its elements can change no more. Both are told in
// /proc only (kernel/bpf/syscall.c, bpf_map_show_fdinfo).
func ArrayState(m *ebpf.Map) (owner ebpf.ProgramType, frozen bool, err error) {
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", m.FD()))
	if err != nil {
		return 0, false, err
	}
	for line := range strings.Lines(string(info)) {
		field, value, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
		switch field {
		case "owner_prog_type":
			owner = ebpf.ProgramType(n)
		case "frozen":
			frozen = n == 1
		}
	}
	return owner, frozen, nil
}

// Check tells whether the array has the key and takes programs of the type.
func (a *ProgramArray) Check(key uint32, t ebpf.ProgramType) error {
	if key >= a.MaxEntries {
		return fmt.Errorf("%s has no key %d: its %d elements are numbered from 0", a.Path, key, a.MaxEntries)
	}
	if a.Owner != ebpf.UnspecifiedProgram && a.Owner != t {
		return &OwnerError{Array: a.Path, Have: a.Owner, Want: t}
	}
	return nil
}

// MismatchError says that the programs that the array has differ from one that
// is put there, in their type, attach type or flags; the kernel does not say which.
type MismatchError struct {
	Array string // its path
	Key   uint32 // the element
	Err   error  // the kernel's refusal
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s: key %d: %v: the programs of an array must agree in their type, attach type and flags", e.Array, e.Key, e.Err)
}

// Unwrap returns the kernel's refusal.
func (e *MismatchError) Unwrap() error { return e.Err }

// Variants are the ways to load a program of a type, for the array to take it:
// with each attach type, and for XDP with and without frags. The first
// changes nothing. See [load.Options] Adapt.
func Variants(t ebpf.ProgramType) []func(*ebpf.ProgramSpec) {
	variants := []func(*ebpf.ProgramSpec){func(*ebpf.ProgramSpec) {}}
	add := func(a ebpf.AttachType, set uint32) {
		variants = append(variants, func(p *ebpf.ProgramSpec) {
			p.AttachType = a
			p.Flags = p.Flags&^flagFrags | set
		})
	}
	switch t {
	case ebpf.XDP:
		for _, frags := range []uint32{0, flagFrags} {
			add(ebpf.AttachXDP, frags)
			add(ebpf.AttachNone, frags)
		}
	case ebpf.SchedCLS:
		add(ebpf.AttachNone, 0)
		add(ebpf.AttachTCXIngress, 0)
		add(ebpf.AttachTCXEgress, 0)
	}
	return variants
}

// flagFrags is BPF_F_XDP_HAS_FRAGS of linux/bpf.h.
const flagFrags = 1 << 5

// Put has tail calls to key run p, and returns what they ran before, nil for
// nothing. There is no moment in between in which they run neither. The error is
// a [*MismatchError] where [Variants] may help.
func (a *ProgramArray) Put(key uint32, p *Program) (*Info, error) {
	var old *Info
	var id uint32
	if err := a.m.Lookup(key, &id); err == nil {
		if info, err := InfoByID(id); err == nil {
			old = &info
		}
	}
	err := kernelname.Refusal(a.m.Put(key, uint32(p.FD())))
	if errors.Is(err, unix.EINVAL) {
		return nil, &MismatchError{Array: a.Path, Key: key, Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: key %d: %w", a.Path, key, err)
	}
	return old, nil
}

// OwnerError says that a program array that was there before belongs to
// programs of another type: the kernel takes no other into it, and lets no other call.
type OwnerError struct {
	Array      string           // its path or id
	Have, Want ebpf.ProgramType // of its programs, and of those to be put there
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("%s is a program array for programs of type %s, the object's are %s", e.Array, kernelname.Program(e.Have), kernelname.Program(e.Want))
}
