package pin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
)

// GCOptions are the options of [FS.GC].
type GCOptions struct {
	DryRun  bool // only list
	Objects bool // also the directories of objects that no program uses
}

// Reason is why something is garbage.
type Reason uint8

// The reasons.
const (
	Interrupted Reason = iota + 1 // a transaction whose process is dead
	OwnerGone                     // pins kept alive for a program that is gone
	LinkSevered                   // a pinned bpf_link whose device is gone, or that was detached
	ObjectDead                    // an object's directory with maps that no loaded program uses
)

var reasonNames = [...]string{
	Interrupted: "interrupted load",
	OwnerGone:   "program is gone",
	LinkSevered: "the link holds nothing any more",
	ObjectDead:  "no program uses its maps",
}

// String returns the reason in words.
func (r Reason) String() string {
	if r == 0 || int(r) >= len(reasonNames) {
		return fmt.Sprintf("reason %d", uint8(r))
	}
	return reasonNames[r]
}

// MarshalText returns the reason in words.
func (r Reason) MarshalText() ([]byte, error) {
	return []byte(r.String()), nil
}

// Garbage is something that GC removes, with all that is below it.
type Garbage struct {
	Path   string
	Reason Reason
}

// GC undoes the transaction of a dead process, and removes the pins that keep
// maps alive for programs that are gone, and those of bpf_links that hold
// nothing any more. It returns what it has removed, or
// would remove, also when an error ends it early. It waits for a transaction
// that is under way, as long as ctx lets it; a dry run does not wait and does
// not count that transaction. It takes CAP_SYS_ADMIN.
func (f *FS) GC(ctx context.Context, o GCOptions) ([]Garbage, error) {
	l, err := f.lockForGC(ctx, o)
	if err != nil && !(o.DryRun && ignoreBusy(err) == nil) {
		return nil, err
	}
	if l != nil {
		defer l.release()
	}
	var all []Garbage
	for _, c := range f.collectors(o, l) {
		found, err := c.find()
		if err != nil {
			return all, err
		}
		for _, g := range found {
			if !o.DryRun {
				err = c.remove(g)
			}
			if err != nil {
				return all, err
			}
			all = append(all, g)
		}
	}
	return all, nil
}

// lockForGC makes the home directory for objects' sake: a load must not begin
// to use what is being removed.
func (f *FS) lockForGC(ctx context.Context, o GCOptions) (*lock, error) {
	if o.DryRun {
		return f.tryLock(false)
	}
	return f.lock(ctx, o.Objects)
}

type collector struct {
	find   func() ([]Garbage, error)
	remove func(Garbage) error
}

// collectors do without the lock in a dry run beside a transaction, and where
// nothing has ever been locked.
func (f *FS) collectors(o GCOptions, l *lock) []collector {
	var cs []collector
	if l != nil {
		cs = append(cs, collector{l.interrupted, func(Garbage) error { return l.repair() }})
	}
	cs = append(cs, collector{f.ownersGone, l.removeOwned},
		collector{f.severed, func(g Garbage) error { return f.Remove(g.Path) }})
	if o.Objects {
		cs = append(cs, collector{f.deadObjects, f.removeObject})
	}
	return cs
}

func (l *lock) interrupted() ([]Garbage, error) {
	var found []Garbage
	for _, dir := range []string{journalOpen, journalClosed} {
		_, err := l.home.lstat(dir)
		if err == nil {
			found = append(found, Garbage{Path: l.home.join(dir), Reason: Interrupted})
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return found, nil
}

func (f *FS) ownersGone() ([]Garbage, error) {
	owned, err := f.Owned()
	if err != nil {
		return nil, err
	}
	var found []Garbage
	for o := range owned {
		alive, err := o.Alive()
		if err != nil {
			return nil, err
		}
		if !alive {
			found = append(found, Garbage{Path: filepath.Join(f.abs(ownedDir), o.dirName()), Reason: OwnerGone})
		}
	}
	slices.SortFunc(found, func(a, b Garbage) int { return strings.Compare(a.Path, b.Path) })
	return found, nil
}

func (f *FS) severed() ([]Garbage, error) {
	var found []Garbage
	for e, err := range f.Walk("") {
		if err == nil && e.Severed {
			found = append(found, Garbage{Path: e.Path, Reason: LinkSevered})
		}
	}
	return found, nil
}

func (l *lock) removeOwned(g Garbage) error {
	o, _ := parseOwner(filepath.Base(g.Path))
	return l.disown(o)
}

// deadObjects finds the directories of ObjectNS that hold nothing but maps no
// loaded program uses. A map that only a process or another map holds looks
// the same.
func (f *FS) deadObjects() ([]Garbage, error) {
	tc, err := f.openTC()
	if err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	defer tc.close()
	names, err := tc.names()
	if err != nil {
		return nil, err
	}
	used, err := usedMaps()
	if err != nil {
		return nil, err
	}
	var found []Garbage
	for _, name := range names {
		if sum, err := hex.DecodeString(name); err != nil || len(sum) != 20 {
			continue
		}
		dead, err := tc.holdsOnlyUnused(name, used)
		if err != nil {
			return nil, err
		}
		if dead {
			found = append(found, Garbage{Path: tc.join(name), Reason: ObjectDead})
		}
	}
	return found, nil
}

func (f *FS) openTC() (*dir, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	defer root.close()
	return root.sub(string(TC), unix.O_RDONLY)
}

func (f *FS) removeObject(g Garbage) error {
	tc, err := f.openTC()
	if err != nil {
		return err
	}
	defer tc.close()
	return tc.sweep(filepath.Base(g.Path))
}

// holdsOnlyUnused is false for what is no directory.
func (d *dir) holdsOnlyUnused(name string, used map[uint32]bool) (bool, error) {
	sub, err := d.sub(name, unix.O_RDONLY)
	if err != nil {
		return false, ignore(err, errSymlink, unix.ENOTDIR)
	}
	defer sub.close()
	files, err := sub.names()
	if err != nil {
		return false, err
	}
	for _, file := range files {
		e, err := readEntry(sub.join(file))
		if err != nil || e.Kind != Map || used[e.ID] {
			return false, ignore(err, fs.ErrPermission)
		}
	}
	return true, nil
}

// usedMaps returns the ids of the maps that loaded programs use.
func usedMaps() (map[uint32]bool, error) {
	used := make(map[uint32]bool)
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, fs.ErrNotExist) {
			return used, nil
		}
		if err != nil {
			return nil, err
		}
		id = next
		if err := addMaps(used, uint32(id)); ignore(err, fs.ErrNotExist) != nil {
			return nil, err
		}
	}
}

func addMaps(used map[uint32]bool, program uint32) error {
	fd, err := sys.ProgramByID(program)
	if err != nil {
		return err
	}
	defer sys.Close(fd)
	info, err := sys.InfoOfProgram(fd)
	if err != nil {
		return err
	}
	for _, id := range info.MapIDs {
		used[id] = true
	}
	return nil
}
