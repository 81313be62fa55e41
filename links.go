package xdpload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
)

// opPinLink is what fails when a link finds its path taken.
const opPinLink = "pin link"

// A linkHook is a hook on which a bpf_link can hold a program.
type linkHook interface {
	Hook
	// linkPath is where the link is pinned, "" for no link, and whether
	// the one that is pinned there may be updated.
	linkPath() (path string, update bool)
	// attachments are what is on the hook, with their links.
	attachments(*netlink.Conn) ([]*Attachment, error)
	// create attaches by a new link, and returns its descriptor.
	create(*netlink.Conn, *Program) (int, error)
	// keeps refuses an update of the link that holds an attachment, which
	// cannot move it, if the hook wants another place.
	keeps(*netlink.Conn, *Attachment) error
}

// ErrLinkDetached says that what is pinned is a bpf_link that was detached, or
// whose device is gone. It can hold nothing any more.
var ErrLinkDetached = errors.New("a bpf_link that was detached")

// ErrNotLink says that what is pinned where a bpf_link should be is a map or a
// program.
var ErrNotLink = errors.New("what is pinned there is no bpf_link")

// newLink is a link that comes to be when a [pin.Txn] pins it: until that is
// published the program is not attached, and from then on it is until someone
// removes the pin.
type newLink struct {
	make func() (int, error)
	fd   int
	err  error // of make
}

var errNotMade = errors.New("no link to pin")

// Pin keeps an error to itself: an os.ErrExist of the hook would be taken for
// one of the path.
func (l *newLink) Pin(path string) error {
	if l.fd, l.err = l.make(); l.err != nil {
		return errNotMade
	}
	return sys.Pin(l.fd, path)
}

// close detaches the link unless it is pinned.
func (l *newLink) close() error {
	if l == nil || l.fd < 0 {
		return nil
	}
	fd := l.fd
	l.fd = -1
	return sys.Close(fd)
}

// attachment is what the new link holds.
func (l *newLink) attachment(c *netlink.Conn, h linkHook) (*Attachment, error) {
	info, err := sys.InfoOfLink(l.fd)
	if err != nil {
		return nil, err
	}
	return attachedBy(c, h, info.ID)
}

// attachedBy is what a link holds on the hook that it was just put on.
func attachedBy(c *netlink.Conn, h linkHook, link uint32) (*Attachment, error) {
	a, err := heldBy(c, h, link)
	if err == nil && a == nil {
		err = ErrLinkDetached // by someone else, since
	}
	return a, err
}

// heldBy is what a link holds on the hook, nil if nothing.
func heldBy(c *netlink.Conn, h linkHook, link uint32) (*Attachment, error) {
	all, err := h.attachments(c)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.Link != nil && a.Link.ID == link {
			return a, nil
		}
	}
	return nil, nil
}

// byLink says whether the hook wants a link, and whether one is to be made.
func byLink(h Hook) (_ linkHook, isNew bool) {
	l, ok := h.(linkHook)
	if !ok {
		return nil, false
	}
	path, _ := l.linkPath()
	if path == "" {
		return nil, false
	}
	_, err := os.Lstat(path)
	return l, errors.Is(err, os.ErrNotExist)
}

// prepare returns what an idempotent hook has already. If there is nothing
// and the hook wants a new link, it has Publish attach the program by one.
func (l *Loaded) prepare(c *netlink.Conn, h Hook) (*Attachment, error) {
	a, err := alreadyAttached(c, h, l.does)
	if a != nil || err != nil {
		return a, err
	}
	lh, isNew := byLink(h)
	if !isNew {
		return nil, nil
	}
	path, _ := lh.linkPath()
	if err := l.pins.begin(); err != nil {
		return nil, fmt.Errorf("pin the link: %w", err)
	}
	p := l.Program()
	p.link = &newLink{fd: -1, make: func() (int, error) { return lh.create(c, p) }}
	return nil, l.pins.txn.Pin(path, p.link)
}

// attachByLink pins a new link, or updates the one that is pinned.
func attachByLink(c *netlink.Conn, p *Program, h linkHook, isNew bool) (*Attachment, error) {
	if !isNew {
		return updatePinned(c, p, h)
	}
	path, _ := h.linkPath()
	fs, err := pin.Open(rootOf(path))
	if err != nil {
		return nil, err
	}
	txn, err := fs.Begin()
	if err != nil {
		return nil, err
	}
	n := &newLink{fd: -1, make: func() (int, error) { return h.create(c, p) }}
	defer n.close() //nolint:errcheck // it is pinned, or shall go
	if err := txn.Pin(path, n); err != nil {
		return nil, err
	}
	if err := txn.Publish(context.Background()); err != nil {
		return nil, cmp.Or(n.err, err)
	}
	a, err := n.attachment(c, h)
	if err != nil {
		return nil, errors.Join(err, txn.Rollback())
	}
	return a, txn.Commit()
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

// updatePinned has the link that is pinned hold the program.
func updatePinned(c *netlink.Conn, p *Program, h linkHook) (*Attachment, error) {
	path, update := h.linkPath()
	fd, kind, err := sys.OpenPinned(path)
	if err != nil {
		return nil, err
	}
	defer sys.Close(fd)
	if kind != sys.KindLink {
		return nil, &os.PathError{Op: opPinLink, Path: path, Err: ErrNotLink}
	}
	if !update {
		return nil, &os.PathError{Op: opPinLink, Path: path, Err: os.ErrExist}
	}
	for range attempts {
		a, err := updateOpened(c, fd, p, h)
		if err == nil {
			return a, nil
		}
		if !errors.Is(err, errOvertaken) {
			return nil, &os.PathError{Op: "update", Path: path, Err: err}
		}
	}
	return nil, &os.PathError{Op: "update", Path: path, Err: errUnsettled}
}

func updateOpened(c *netlink.Conn, fd int, p *Program, h linkHook) (*Attachment, error) {
	a, err := pinnedAttachment(c, fd, h)
	if err != nil {
		return nil, err
	}
	if err := h.keeps(c, a); err != nil {
		return nil, err
	}
	replaced := a.Program
	if err := swapLink(fd, p, replaced.ID); err != nil {
		return nil, err
	}
	a, err = attachedBy(c, h, a.Link.ID)
	if err != nil {
		return nil, err
	}
	a.Replaced = &replaced
	return a, nil
}

// errOvertaken says that someone else has put another program into a link since
// it was looked at.
var errOvertaken = errors.New("the bpf_link holds another program by now")

// swapLink puts a program in the place of the one with the id old, and of no
// other.
func swapLink(fd int, p *Program, old uint32) error {
	oldFD, err := sys.ProgramByID(old)
	if err == nil {
		defer sys.Close(oldFD)
		err = sys.UpdateLink(fd, p.FD(), oldFD)
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.EPERM) { // gone, or not the one that the link holds
		if now, infoErr := sys.InfoOfLink(fd); infoErr == nil && now.Program != old {
			return errOvertaken
		}
	}
	return err
}

// pinnedAttachment is what a link holds, on this hook and no other.
func pinnedAttachment(c *netlink.Conn, fd int, h linkHook) (*Attachment, error) {
	info, err := sys.InfoOfDeviceLink(fd)
	switch {
	case err != nil:
		return nil, err
	case info == nil:
		return nil, errors.New("a bpf_link that is not of a device")
	case info.Ifindex == 0:
		return nil, ErrLinkDetached
	}
	a, err := heldBy(c, h, info.ID)
	if err == nil && a == nil {
		err = fmt.Errorf("bpf_link id %d holds program id %d on another hook, or on the device with index %d", info.ID, info.Program, info.Ifindex)
	}
	return a, err
}

func detachLink(id uint32) error {
	fd, err := sys.LinkByID(id)
	if err != nil {
		return err
	}
	defer sys.Close(fd)
	return sys.DetachLink(fd)
}

// pinnedLink is the link that is pinned where the hook wants one, nil if the
// hook wants none. A link with the id 0 stands for one that is not there.
func pinnedLink(h Hook) (*LinkInfo, error) {
	lh, isNew := byLink(h)
	if lh == nil {
		return nil, nil
	}
	if isNew {
		return &LinkInfo{}, nil
	}
	path, _ := lh.linkPath()
	fd, kind, err := sys.OpenPinned(path)
	if err != nil {
		return nil, err
	}
	defer sys.Close(fd)
	if kind != sys.KindLink {
		return &LinkInfo{}, nil
	}
	info, err := sys.InfoOfLink(fd)
	if err != nil {
		return nil, err
	}
	return &LinkInfo{ID: info.ID}, nil
}
