package pincmd

import (
	"errors"
	"os"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// PinHints are the ways out when a BPF file system, or what is pinned there,
// does not fit.
func PinHints(err error) []string {
	var path string
	if x, ok := errors.AsType[*os.PathError](err); ok {
		path = x.Path
	}
	_, differs := errors.AsType[*pin.MismatchError](err)
	owner, foreign := errors.AsType[*prog.OwnerError](err)
	switch {
	case errors.Is(err, pin.ErrNotBPFFS) && path != pin.DefaultRoot:
		return []string{"findmnt -t bpf lists the BPF file systems; mount -t bpf bpf DIR makes one, xdpload -bpffs DIR … uses it"}
	case errors.Is(err, pin.ErrNotBPFFS), errors.Is(err, os.ErrNotExist) && path == pin.DefaultRoot:
		return []string{"mount -t bpf bpf " + path, "or name the BPF file system: xdpload -bpffs DIR …"}
	case differs:
		return []string{"on-mismatch recreate pins a new map in its place, on-mismatch migrate copies the entries too"}
	case foreign:
		return []string{"on-mismatch does not help here: pin the array of this object elsewhere, or xdpload pin rm " + owner.Array}
	case errors.Is(err, os.ErrExist) && path != "":
		return []string{"xdpload pin rm " + path}
	}
	return nil
}

// NoPin says why nothing can be pinned at a path. The kernel refuses to open it
// as if a privilege were missing.
func NoPin(refused *os.PathError) string {
	if refused.Op != subject.OpOpenPin {
		return ""
	}
	if _, err := pin.Open(refused.Path); errors.Is(err, pin.ErrNotBPFFS) {
		return refused.Path + " is not on a BPF file system, so nothing is pinned there"
	}
	if st, err := os.Stat(refused.Path); err == nil && st.IsDir() {
		return refused.Path + " is a directory: xdpload pin show lists what is pinned"
	}
	return ""
}
