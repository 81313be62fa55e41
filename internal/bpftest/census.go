package bpftest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/netlink"
)

// A Census is what the tests' own places have of BPF: their file systems, the
// devices of their network namespaces, and what is reached from there. A program
// or a map outlives the process that made it by a pin, by a hook, or by another
// object that holds it. So what a command has left behind is in the census, and
// nothing that others have is.
type Census struct {
	bpffs []string
	found map[string]bool
}

// NewCensus looks at file systems, and at every namespace that [NewNamespace] made
// or a test gave a name.
func NewCensus(bpffs ...string) (*Census, error) {
	c := &Census{bpffs: bpffs, found: make(map[string]bool)}
	for _, root := range bpffs {
		if err := filepath.WalkDir(root, c.addPin); err != nil {
			return nil, err
		}
	}
	names, err := os.ReadDir(netns.Dir)
	if err != nil {
		return nil, err
	}
	for _, ns := range names {
		err := netns.Do(ns.Name(), func() error { return c.addNamespace(ns.Name()) })
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Grown waits until there is no more than there was, for a bpf_link goes late. It
// returns what has come since and does not go.
func (c *Census) Grown() ([]string, error) {
	for deadline := time.Now().Add(Patience); ; time.Sleep(5 * time.Millisecond) {
		now, err := NewCensus(c.bpffs...)
		if err != nil {
			return nil, err
		}
		if left := now.Since(c); len(left) == 0 || time.Now().After(deadline) {
			return left, nil
		}
	}
}

// Since is what was not there before.
func (c *Census) Since(before *Census) (fresh []string) {
	for what := range c.found {
		if !before.found[what] {
			fresh = append(fresh, what)
		}
	}
	slices.Sort(fresh)
	return fresh
}

// add notes a thing, and reports whether it is new.
func (c *Census) add(format string, args ...any) bool {
	what := fmt.Sprintf(format, args...)
	if c.found[what] {
		return false
	}
	c.found[what] = true
	return true
}

func (c *Census) addPin(path string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	c.add("file %s", path)
	if !d.Type().IsRegular() || strings.HasSuffix(path, ".debug") { // the kernel's own are text
		return nil
	}
	fd, kind, err := sys.OpenPinned(path)
	if err != nil {
		return err
	}
	defer sys.Close(fd)
	switch kind {
	case sys.KindProgram:
		return c.addProgramFD(fd)
	case sys.KindMap:
		return c.addMapFD(fd)
	case sys.KindLink:
		return c.addLinkFD(fd)
	}
	return nil
}

func (c *Census) addLinkFD(fd int) error {
	info, err := sys.InfoOfLink(fd)
	if err != nil {
		return err
	}
	c.add("link %d", info.ID)
	return c.addProgram(info.Program)
}

// addProgram does nothing for id 0, which is not a program.
func (c *Census) addProgram(id uint32) error {
	if id == 0 {
		return nil
	}
	fd, err := sys.ProgramByID(id)
	if errors.Is(err, os.ErrNotExist) {
		return nil // gone since
	}
	if err != nil {
		return err
	}
	defer sys.Close(fd)
	return c.addProgramFD(fd)
}

func (c *Census) addProgramFD(fd int) error {
	info, err := sys.InfoOfProgram(fd)
	if errors.Is(err, unix.ENODEV) {
		return nil // its device is gone, and with it all that it held
	}
	if err != nil || !c.add("program %d %s", info.ID, info.Name) {
		return err
	}
	for _, id := range info.MapIDs {
		if err := c.addMap(id); err != nil {
			return err
		}
	}
	return nil
}

func (c *Census) addMap(id uint32) error {
	m, err := ebpf.NewMapFromID(ebpf.MapID(id))
	if errors.Is(err, os.ErrNotExist) {
		return nil // gone since
	}
	if err != nil {
		return err
	}
	defer m.Close()
	return c.addMapFD(m.FD())
}

func (c *Census) addMapFD(fd int) error {
	info, err := sys.InfoOfMap(fd)
	if errors.Is(err, unix.ENODEV) {
		return nil // its device is gone
	}
	if err != nil || !c.add("map %d %s", info.ID, info.Name) {
		return err
	}
	var follow func(uint32) error
	switch ebpf.MapType(info.Type) {
	case ebpf.ProgramArray:
		follow = c.addProgram
	case ebpf.ArrayOfMaps, ebpf.HashOfMaps:
		follow = c.addMap
	default:
		return nil
	}
	m, err := ebpf.NewMapFromID(ebpf.MapID(info.ID))
	if err != nil {
		return err
	}
	defer m.Close()
	key, id := make([]byte, info.KeySize), uint32(0)
	for values := m.Iterate(); values.Next(&key, &id); {
		if err := follow(id); err != nil {
			return err
		}
	}
	return nil
}

// addNamespace looks at what hangs on the devices of the calling thread's namespace.
func (c *Census) addNamespace(name string) error {
	conn, err := netlink.Dial(nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	for l, err := range conn.Links() {
		if err != nil {
			return err
		}
		at := name + " " + l.Name
		for _, p := range l.XDP.Programs {
			c.add("%s %v: program %d", at, p.Mode, p.ID)
			if err := c.addProgram(p.ID); err != nil {
				return err
			}
		}
		if err := errors.Join(c.addMulti(at, l.Index), c.addFilters(at, conn, l.Index)); err != nil {
			return err
		}
	}
	return c.addActions(name, conn)
}

// addMulti looks at tcx and netkit, where the kernel knows them.
func (c *Census) addMulti(at string, ifindex int) error {
	for _, t := range []sys.AttachType{sys.TCXIngress, sys.TCXEgress, sys.NetkitPrimary, sys.NetkitPeer} {
		running, _, err := sys.QueryPrograms(ifindex, t)
		if err != nil {
			continue // the kernel, or the device, does not have the hook
		}
		for _, r := range running {
			c.add("%s attach type %d: program %d, link %d", at, t, r.Program, r.Link)
			if err := c.addProgram(r.Program); err != nil {
				return err
			}
		}
	}
	return nil
}

// addFilters looks at the filters of a device's qdiscs, and of the blocks that
// they share.
func (c *Census) addFilters(at string, conn *netlink.Conn, ifindex int) error {
	for q, err := range conn.Qdiscs(ifindex) {
		if err != nil {
			return err
		}
		c.add("%s qdisc %s %v", at, q.Kind, q.Handle)
		for _, query := range filterPlaces(ifindex, q) {
			for f, err := range conn.Filters(query) {
				if err != nil {
					return err
				}
				if err := c.addFilter(at, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func filterPlaces(ifindex int, q *netlink.Qdisc) (all []netlink.FilterQuery) {
	parents := []netlink.Parent{netlink.Parent(q.Handle)}
	if q.Kind == "clsact" || q.Kind == "ingress" {
		parents = []netlink.Parent{netlink.Ingress, netlink.Egress}
	}
	for _, parent := range parents {
		all = append(all, netlink.FilterQuery{Ifindex: ifindex, Parent: parent})
	}
	return all
}

func (c *Census) addFilter(at string, f *netlink.Filter) error {
	c.add("%s filter of %v block %d chain %d pref %d %s %#x", at, f.Parent, f.Block, f.Chain, f.Pref, f.Kind, f.Handle)
	if f.BPF == nil {
		return nil
	}
	for _, a := range f.BPF.Actions {
		if err := c.addAction(at, a); err != nil {
			return err
		}
	}
	return c.addProgram(f.BPF.ProgramID)
}

// addActions looks at those that no filter has, too.
func (c *Census) addActions(name string, conn *netlink.Conn) error {
	for _, kind := range []string{"bpf", "gact", "mirred", "police"} {
		for a, err := range conn.Actions(kind, 0) {
			if err != nil {
				break // the kernel does not have the kind
			}
			if err := c.addAction(name, a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Census) addAction(at string, a *netlink.Action) error {
	c.add("%s action %s %d", at, a.Kind, a.Index)
	if a.BPF == nil {
		return nil
	}
	return c.addProgram(a.BPF.ProgramID)
}
