package main

import (
	"errors"
	"os"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/pin"
)

// pinHints are the ways out when a BPF file system, or what is pinned there,
// does not fit.
func pinHints(err error) []string {
	var path string
	if x, ok := errors.AsType[*os.PathError](err); ok {
		path = x.Path
	}
	_, differs := errors.AsType[*pin.MismatchError](err)
	owner, foreign := errors.AsType[*xdpload.OwnerError](err)
	switch {
	case errors.Is(err, pin.ErrNotBPFFS), errors.Is(err, os.ErrNotExist) && path == xdpload.DefaultRoot:
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
