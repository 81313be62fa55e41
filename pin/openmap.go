package pin

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/sys"
)

// OpenMap opens the map that is pinned at a path; how may be nil. The error is an
// *os.PathError, and that about something else says what it is. The caller closes
// the map.
func OpenMap(path string, how *ebpf.LoadPinOptions) (*ebpf.Map, error) {
	m, err := ebpf.LoadPinnedMap(path, how)
	if err == nil {
		return m, nil
	}
	switch is := notMap(path); {
	case is != "":
		err = fmt.Errorf("%s, not a map", is)
	case errors.Is(err, os.ErrNotExist):
		err = Missing(path)
	default:
		err = kernelname.Refusal(err)
	}
	return nil, &os.PathError{Op: "open pin", Path: path, Err: err}
}

// notMap says what is pinned at a path, if that is no map.
func notMap(path string) string {
	fd, kind, err := sys.OpenPinned(path)
	if err != nil {
		return ""
	}
	if kind == sys.KindProgram {
		if p, err := ebpf.NewProgramFromFD(fd); err == nil { // which closes it, too
			defer p.Close()
			return "a program of type " + kernelname.Program(p.Type())
		}
		return "a program"
	}
	defer sys.Close(fd)
	if kind == sys.KindLink {
		return "a bpf_link"
	}
	return ""
}
