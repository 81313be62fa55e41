package attach

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// attempts bounds how often what someone else has changed first is tried again.
const attempts = 16

var errUnsettled = errors.New("others change the attached program faster than it can be replaced")

// A session is what the steps of all plans of one source work with.
type session struct {
	Options
	conn   *netlink.Conn
	source Source
	// saved are descriptors of what ran before, by id: they keep it until it is
	// sure that nothing is put back. -1 is one that may not be opened.
	saved map[uint32]int
	// links are bpf_links of ours that are open, by their ids: the list of all takes CAP_SYS_ADMIN.
	links map[uint32]*Link
	txn   *pin.Txn // of pins that a program without a load needs, nil without
	// keeps is a program that is kept, nil for none.
	keeps *prog.Info
}

// program is what the hooks shall run, nil for nothing and for classic BPF.
func (e *session) program() *prog.Program {
	if e.source == nil {
		return nil
	}
	return e.source.Program()
}

// uncommitted is what is still to be published, nil for nothing.
func (e *session) uncommitted() Uncommitted {
	if e.source != nil {
		if u := e.source.Uncommitted(); u != nil {
			return u
		}
	}
	if e.txn != nil {
		return pinsOnly{e.txn, e.keeps}
	}
	return nil
}

// pinsOnly are those that a program without a load needs: of bpf_links, and of what it
// replaces.
type pinsOnly struct {
	*pin.Txn
	keeps *prog.Info
}

func (p pinsOnly) Transaction() (*pin.Txn, error) { return p.Txn, nil }

// Attaching has a program that is kept stay pinned if this process dies when it is
// replaced or taken off. A bpf_link goes then.
func (p pinsOnly) Attaching() error {
	if p.keeps == nil {
		return nil
	}
	return p.Txn.Attaching(p.keeps.Owner())
}

func (p pinsOnly) Close() error { return p.Rollback() }

// transaction is what pins a new bpf_link or a program that is kept, together with the maps
// of the load.
func (e *session) transaction(path string) (*pin.Txn, error) {
	if u := e.uncommitted(); u != nil {
		return u.Transaction()
	}
	fs, err := pin.Open(rootOf(path))
	if err != nil {
		return nil, err
	}
	e.txn, err = fs.Begin()
	return e.txn, err
}

func (e *session) warn(err error) {
	if e.Warn != nil {
		e.Warn(err)
	}
}

// rootOf is the topmost directory of the BPF file system that a path is on.
func rootOf(path string) string {
	root := filepath.Dir(path)
	for dir := root; ; dir = filepath.Dir(dir) {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		if err == nil && int64(st.Type) == unix.BPF_FS_MAGIC {
			root = dir
		}
		if dir == filepath.Dir(dir) || err == nil && int64(st.Type) != unix.BPF_FS_MAGIC {
			return root
		}
	}
}

// holds has what a link holds found by it, without a list of all links.
func (e *session) holds(l *Link) {
	if e.links == nil {
		e.links = make(map[uint32]*Link)
	}
	e.links[l.ID] = l
}

// errGone says that a program is no longer there to be kept.
var errGone = errors.New("the program is gone")

// save opens a program. Without the privilege it is neither compared with nor
// put back.
func (e *session) save(program uint32) error {
	if _, ok := e.saved[program]; ok {
		return nil
	}
	fd, err := sys.ProgramByID(program)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errGone
	case (errors.Is(err, os.ErrPermission) || errors.Is(err, unix.ENOSYS)) && !e.Atomic: // ENOSYS: of a seccomp filter
		fd = -1
	case err != nil:
		return err
	}
	e.saved[program] = fd
	return nil
}

// restorable is the descriptor of a program that is saved, or why it is not.
func (e *session) restorable(program uint32) (int, error) {
	if fd := e.savedFD(program); fd >= 0 {
		return fd, nil
	}
	return -1, &prog.IDError{Kind: "program", ID: program, Err: unix.EPERM}
}

// savedFD is the descriptor of a program that is saved, -1 for one that is not.
func (e *session) savedFD(program uint32) int {
	if fd, ok := e.saved[program]; ok {
		return fd
	}
	return -1
}

// forget closes what was saved.
func (e *session) forget() {
	for _, fd := range e.saved {
		if fd >= 0 {
			_ = sys.Close(fd)
		}
	}
	clear(e.saved)
}
