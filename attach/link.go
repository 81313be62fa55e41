package attach

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/prog"
)

// A Link is a bpf_link that is open: it holds a program on a hook of a device as long
// as something has it open or pinned. The caller closes it.
type Link struct {
	LinkInfo
	fd int
}

// ErrLinkDetached says that a bpf_link was detached, or that its device is gone.
// It can hold nothing any more.
var ErrLinkDetached = errors.New("a bpf_link that was detached")

// ErrNotLink says that what is pinned where a bpf_link should be is a map or a
// program.
var ErrNotLink = errors.New("what is pinned there is no bpf_link")

// NewLink puts a program on an [XDP], [TCX] or [Netkit] hook by a new bpf_link
// that has no pin: [Link.Close] takes the program off, as does the end of the
// process. For one that is pinned from the start, with what a load pins, see
// [Plan]. What errors there are, [Outcome] says.
func NewLink(c *netlink.Conn, p *prog.Program, h Hook) (l *Link, err error) {
	e := &session{conn: c, source: Open(p), Options: Options{Known: new(Inventory)}}
	ifindex, err := e.Known.place(c, h)
	if err != nil {
		return nil, err
	}
	hook, ok := h.at(ifindex).(linkHook)
	if !ok {
		return nil, errNoLinks()
	}
	err = c.InNetNS(func() error {
		l, err = hook.create(e)
		return err
	})
	return l, err
}

// OpenLink opens the bpf_link that [LinkID] or [PinnedAt] names. The error is
// os.ErrNotExist if there is none, and [ErrNotLink] for a pin of something
// else. By its id it takes CAP_SYS_ADMIN.
func OpenLink(r Ref) (*Link, error) {
	switch r.kind {
	case refLink:
		return linkOf(sys.LinkByID(r.id))
	case refPath:
		fd, kind, err := sys.OpenPinned(r.text)
		if err == nil && kind != sys.KindLink {
			_ = sys.Close(fd)
			err = &os.PathError{Op: opPinLink, Path: r.text, Err: ErrNotLink}
		}
		return linkOf(fd, err)
	case refOnly, refProgram, refName:
	}
	return nil, fmt.Errorf("%v: %w", r, errors.ErrUnsupported)
}

// linkOf takes a descriptor over.
func linkOf(fd int, err error) (*Link, error) {
	if err != nil {
		return nil, err
	}
	info, err := sys.InfoOfLink(fd)
	if err != nil {
		_ = sys.Close(fd)
		return nil, err
	}
	return &Link{LinkInfo{ID: info.ID}, fd}, nil
}

// Update has the link hold another program, with no moment in between in which
// neither runs. If old is not nil and the link holds another one, the error is
// os.ErrPermission. That of a link which can hold nothing is [ErrLinkDetached].
func (l *Link) Update(p, old *prog.Program) error {
	expected := 0
	if old != nil {
		expected = old.FD()
	}
	return l.update(p.FD(), expected)
}

// update is Update with descriptors, 0 for any old one.
func (l *Link) update(program, old int) error {
	err := sys.UpdateLink(l.fd, program, old)
	if errors.Is(err, unix.ENOLINK) {
		err = fmt.Errorf("%w (%w)", ErrLinkDetached, err)
	}
	return err
}

// Pin gives the link a name on a BPF file system, which keeps it alive.
func (l *Link) Pin(path string) error { return sys.Pin(l.fd, path) }

// Detach takes the program off for good, whatever pins the link has (Linux 5.9).
func (l *Link) Detach() error { return sys.DetachLink(l.fd) }

// Close gives the descriptor back. The kernel takes the program off when it was the
// last, and no pin is left.
func (l *Link) Close() error {
	if l == nil || l.fd < 0 {
		return nil
	}
	fd := l.fd
	l.fd = -1
	return sys.Close(fd)
}
