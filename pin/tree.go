package pin

import (
	"errors"
	"io/fs"
	"os"
)

// makeLayout makes iproute2's tree, with the first pin in it.
func (j *journal) makeLayout() error {
	tree, err := j.way(string(TC) + "/" + globals)
	if err != nil {
		return err
	}
	tree.close()
	for _, alias := range aliases {
		if err := j.alias(alias); err != nil {
			return err
		}
	}
	return nil
}

// alias makes the link that iproute2 makes: an absolute target with a slash at
// the end.
func (j *journal) alias(d Dir) error {
	if _, err := j.root.lstat(string(d)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := j.link(string(d), func(path string) error { return os.Symlink(j.root.join(string(TC))+"/", path) })
	return ignore(err, fs.ErrExist, errSymlink)
}
