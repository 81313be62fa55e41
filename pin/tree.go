package pin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// makeWay makes the directories above a path.
func (j *journal) makeWay(rel string) error {
	if inLayout(rel) {
		if err := j.mkdirAll(string(TC) + "/" + globals); err != nil {
			return err
		}
		for _, alias := range aliases {
			if err := j.alias(alias); err != nil {
				return err
			}
		}
	}
	return j.mkdirAll(filepath.Dir(rel))
}

// alias makes the link that iproute2 makes: an absolute target with a slash at
// the end.
func (j *journal) alias(d Dir) error {
	if _, err := os.Lstat(filepath.Join(j.root, string(d))); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := j.link(string(d), func(path string) error {
		return os.Symlink(filepath.Join(j.root, string(TC))+"/", path)
	})
	return ignore(err, fs.ErrExist)
}
