package pin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

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
	ObjectDead                    // an object's directory with maps that no loaded program uses
)

var reasonNames = [...]string{
	Interrupted: "interrupted load",
	OwnerGone:   "program is gone",
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
// maps alive for programs that are gone. It returns what it has removed, or
// would remove, also when an error ends it early. It waits for a transaction
// that is under way, as long as ctx lets it; a dry run does not wait and does
// not count that transaction. It takes CAP_SYS_ADMIN.
func (f *FS) GC(ctx context.Context, o GCOptions) ([]Garbage, error) {
	l, err := f.lockForGC(ctx, o)
	if err != nil && !(o.DryRun && errors.Is(err, errBusy)) {
		return nil, err
	}
	busy := err != nil
	if l != nil {
		defer l.release()
	}
	var all []Garbage
	for _, c := range f.collectors(o, busy) {
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

func (f *FS) collectors(o GCOptions, busy bool) []collector {
	var cs []collector
	if !busy {
		cs = append(cs, collector{f.interrupted, func(Garbage) error { return f.repair() }})
	}
	cs = append(cs, collector{f.ownersGone, f.removeOwned})
	if o.Objects {
		cs = append(cs, collector{f.deadObjects, func(g Garbage) error { return os.RemoveAll(g.Path) }})
	}
	return cs
}

func (f *FS) interrupted() ([]Garbage, error) {
	var found []Garbage
	for _, dir := range []string{journalOpen, journalClosed} {
		_, err := os.Lstat(f.abs(dir))
		if err == nil {
			found = append(found, Garbage{Path: f.abs(dir), Reason: Interrupted})
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

func (f *FS) removeOwned(g Garbage) error {
	o, _ := parseOwner(filepath.Base(g.Path))
	return f.disown(o)
}

// deadObjects finds the directories of ObjectNS that hold nothing but maps no
// loaded program uses. A map that only a process or another map holds looks
// the same.
func (f *FS) deadObjects() ([]Garbage, error) {
	dirs, err := os.ReadDir(f.abs(string(TC)))
	if err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	used, err := usedMaps()
	if err != nil {
		return nil, err
	}
	var found []Garbage
	for _, d := range dirs {
		path := filepath.Join(f.abs(string(TC)), d.Name())
		if sum, err := hex.DecodeString(d.Name()); err != nil || len(sum) != 20 || !d.IsDir() {
			continue
		}
		dead, err := holdsOnlyUnused(path, used)
		if err != nil {
			return nil, err
		}
		if dead {
			found = append(found, Garbage{Path: path, Reason: ObjectDead})
		}
	}
	return found, nil
}

func holdsOnlyUnused(dir string, used map[uint32]bool) (bool, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, file := range files {
		e, err := readEntry(filepath.Join(dir, file.Name()))
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
