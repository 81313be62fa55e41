package pin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/internal/sys"
)

// Owner is a program for which a map is kept alive. The kernel empties a
// program array when its last user-space reference goes, so an array that
// nothing else pins is pinned for the program that uses it. Ids are used
// again after a while: tag and load time tell two programs apart.
type Owner struct {
	ID       uint32
	Tag      string // 16 hex digits
	LoadTime uint64 // nanoseconds since boot
}

// ownedDir holds a directory for each owner, and in it a pin for each map,
// named by its id.
const ownedDir = home + "/owned"

// ownerOf returns what identifies a loaded program.
func ownerOf(fd int) (Owner, error) {
	info, err := sys.InfoOfProgram(fd)
	if err != nil {
		return Owner{}, err
	}
	return Owner{ID: info.ID, Tag: info.Tag.String(), LoadTime: info.LoadTime}, nil
}

// Alive says whether the program still exists. It takes CAP_SYS_ADMIN.
func (o Owner) Alive() (bool, error) {
	fd, err := sys.ProgramByID(o.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer sys.Close(fd)
	now, err := ownerOf(fd)
	return now == o, err
}

func (o Owner) dirName() string {
	return fmt.Sprintf("%d-%s-%d", o.ID, o.Tag, o.LoadTime)
}

func parseOwner(dir string) (Owner, bool) {
	f := strings.Split(dir, "-")
	if len(f) != 3 {
		return Owner{}, false
	}
	id, err1 := strconv.ParseUint(f[0], 10, 32)
	loaded, err2 := strconv.ParseUint(f[2], 10, 64)
	return Owner{ID: uint32(id), Tag: f[1], LoadTime: loaded}, errors.Join(err1, err2) == nil
}

// OwnedPath returns where to pin a map, by its id, for a program: give it to
// [Txn.Pin].
func (f *FS) OwnedPath(o Owner, mapID uint32) string {
	return filepath.Join(f.abs(ownedDir), o.dirName(), strconv.FormatUint(uint64(mapID), 10))
}

// Owned returns the programs for which maps are kept alive, whether they still
// exist or not, with the paths of those pins.
func (f *FS) Owned() (map[Owner][]string, error) {
	dirs, err := os.ReadDir(f.abs(ownedDir))
	if err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	owned := make(map[Owner][]string, len(dirs))
	for _, d := range dirs {
		o, ok := parseOwner(d.Name())
		if !ok {
			continue
		}
		pins, err := filepath.Glob(filepath.Join(f.abs(ownedDir), d.Name(), "*"))
		if err != nil {
			return nil, err
		}
		owned[o] = pins
	}
	return owned, nil
}

// Disown removes the pins that keep maps alive for a program, if there are
// any. Nothing looks at whether the program still runs: after a detach, ask
// [Owner.Alive] first. It waits for a transaction that is under way, as long as
// ctx lets it.
func (f *FS) Disown(ctx context.Context, o Owner) error {
	l, err := f.lock(ctx, false)
	if l == nil {
		return err
	}
	defer l.release()
	return f.disown(o)
}

func (f *FS) disown(o Owner) error {
	return os.RemoveAll(filepath.Join(f.abs(ownedDir), o.dirName()))
}

// DisownDead is [FS.Disown] for every program that is gone. While a transaction is
// under way it does nothing. It takes CAP_SYS_ADMIN.
func (f *FS) DisownDead() error {
	return f.ifIdle(ownedDir, func() error {
		dead, err := f.ownersGone()
		for _, g := range dead {
			err = errors.Join(err, f.removeOwned(g))
		}
		return err
	})
}
