package pin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
const ownedDir = home + "/" + owned

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
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	defer root.close()
	own, err := root.own(home)
	if err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	defer own.close()
	return own.owned()
}

// owned is Owned, of the home directory.
func (d *dir) owned() (map[Owner][]string, error) {
	dirs, err := d.own(owned)
	if err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	defer dirs.close()
	names, err := dirs.names()
	found := make(map[Owner][]string, len(names))
	for _, name := range names {
		o, ok := parseOwner(name)
		if !ok {
			continue
		}
		pins, err := dirs.own(name)
		if err != nil {
			return nil, err
		}
		files, err := pins.names()
		pins.close()
		if err != nil {
			return nil, err
		}
		found[o] = []string{}
		for _, file := range files {
			found[o] = append(found[o], pins.join(file))
		}
	}
	return found, err
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
	return l.disown(o)
}

func (l *lock) disown(o Owner) error {
	all, err := l.home.own(owned)
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	defer all.close()
	return all.sweep(o.dirName())
}

// DisownDead is [FS.Disown] for every program that is gone. While a transaction is
// under way it does nothing. It takes CAP_SYS_ADMIN.
func (f *FS) DisownDead() error {
	return f.ifIdle(func(l *lock) error {
		dead, err := f.ownersGone()
		for _, g := range dead {
			err = errors.Join(err, l.removeOwned(g))
		}
		return err
	})
}
