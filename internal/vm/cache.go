package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/peers"
)

// cache is the directory that holds what was fetched: kernels, their extra
// modules, and the programs that the host lacks or has older releases of. Everything in it may be
// deleted; it is then fetched again.
type cache struct{ dir string }

// openCache finds the cache.
func openCache() (cache, error) {
	dir, err := peers.Cache()
	if err != nil {
		return cache{}, err
	}
	c := cache{filepath.Join(dir, "kernels")}
	return c, os.MkdirAll(c.dir, 0o755)
}

func (c cache) path(elem ...string) string {
	return filepath.Join(append([]string{c.dir}, elem...)...)
}

// lock waits until no other process fetches into the cache. The kernel lets
// go of the lock when this process dies.
func (c cache) lock() (unlock func(), err error) {
	f, err := os.OpenFile(c.path("lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return func() { f.Close() }, nil
}

// publish lets fill write a directory beside the final one and renames it
// there only when fill succeeds, so that nobody ever sees half of one. The
// caller holds the lock.
func (c cache) publish(name string, fill func(dir string) error) error {
	tmp := c.path("partial-" + name)
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := fill(tmp); err != nil {
		return err
	}
	if err := os.RemoveAll(c.path(name)); err != nil {
		return err
	}
	return os.Rename(tmp, c.path(name))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
