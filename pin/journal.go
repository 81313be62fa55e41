package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// journal is the directory in which a transaction notes each step before it
// takes it, so that whoever finds the directory can undo them. A BPF file
// system has no regular files, so the notes are symbolic links:
//
//	003-dir -> tc/globals    a directory to make, seen from the root,
//	003-new                  made here, then renamed there
//	004-pin -> tc/globals/m  a name for a pin or symbolic link,
//	004-new                  made here, then linked there
//	004-old                  a second link to what had the name before
//	005-run -> 7-TAG-TIME    a program that is about to be attached, see [Owner]
//
// A second link to an inode is what tells our own pin from another that has
// taken its name since.
type journal struct {
	root string
	dir  string
	step int
}

// The journal's directory in the home directory, before and after the one
// rename that decides: what is in an open journal is undone, a closed one is
// only swept away.
const (
	journalOpen   = home + "/open"
	journalClosed = home + "/closed"
)

const (
	noteDir = "dir"
	notePin = "pin"
	noteRun = "run"
)

// newJournal starts the journal. The caller holds the lock and has called
// repair.
func (f *FS) newJournal() (*journal, error) {
	j := f.openJournal()
	return j, os.Mkdir(j.dir, dirMode)
}

func (f *FS) openJournal() *journal {
	return &journal{root: f.root, dir: f.abs(journalOpen)}
}

// repair undoes what a transaction left whose process is dead, unless the program
// that it was for was attached by then: that one needs what is pinned. The caller
// holds the lock.
func (f *FS) repair() error {
	if err := os.RemoveAll(f.abs(journalClosed)); err != nil {
		return err
	}
	j := f.openJournal()
	if _, err := os.Lstat(j.dir); err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	runs, err := j.runs()
	if err != nil {
		return err
	}
	if runs {
		return j.close()
	}
	return j.undo(inUse)
}

// runs reports whether a program that was about to be attached lives, which it
// does only if it was.
func (j *journal) runs() (bool, error) {
	notes, err := filepath.Glob(filepath.Join(j.dir, "*-"+noteRun))
	if err != nil {
		return false, err
	}
	for _, note := range notes {
		owner, err := os.Readlink(note)
		if err != nil {
			return false, err
		}
		if o, ok := parseOwner(owner); ok {
			if alive, err := o.Alive(); alive || err != nil {
				return true, nil //nolint:nilerr // not to be known, so nothing is taken from it
			}
		}
	}
	return false, nil
}

// inUse says of a path seen from the root that it keeps a map alive for a
// program that lives: the transaction was interrupted after the program was
// attached, and its tail calls would end with the pin. It goes when the
// program does, see [FS.GC].
func inUse(rel string) bool {
	dir, owned := strings.CutPrefix(filepath.Dir(rel), ownedDir+"/")
	o, ok := parseOwner(dir)
	if !owned || !ok {
		return false
	}
	alive, err := o.Alive()
	return alive || err != nil
}

// close makes the steps permanent, in one rename. What cannot be swept away
// then, the next transaction sweeps.
func (j *journal) close() error {
	closed := filepath.Join(j.root, journalClosed)
	if err := os.Rename(j.dir, closed); err != nil {
		return err
	}
	_ = os.RemoveAll(closed)
	return nil
}

// mkdirAll makes the missing directories of a path seen from the root.
func (j *journal) mkdirAll(rel string) error {
	if rel == "." {
		return nil
	}
	if _, err := os.Stat(filepath.Join(j.root, rel)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := j.mkdirAll(filepath.Dir(rel)); err != nil {
		return err
	}
	s := j.next()
	if err := os.Mkdir(s.new(), dirMode); err != nil {
		return err
	}
	if err := s.note(noteDir, rel); err != nil {
		return err
	}
	// A directory that another program has made since is as good as ours.
	return ignore(renameNoReplace(s.new(), s.target(rel)), fs.ErrExist)
}

// link gives a new name to the pin or symbolic link that stage makes. A name
// that is taken is an error that is fs.ErrExist.
func (j *journal) link(rel string, stage func(path string) error) error {
	s := j.next()
	if err := stage(s.new()); err != nil {
		return err
	}
	if err := s.note(notePin, rel); err != nil {
		return err
	}
	return os.Link(s.new(), s.target(rel))
}

// replace has a name stand for the pin that stage makes, and no more for the
// one that is want. Another one is an error that is fs.ErrNotExist.
func (j *journal) replace(rel string, want os.FileInfo, stage func(path string) error) error {
	s := j.next()
	if err := stage(s.new()); err != nil {
		return err
	}
	if err := os.Link(s.target(rel), s.old()); err != nil {
		return err
	}
	if old, err := os.Lstat(s.old()); err != nil || !os.SameFile(old, want) {
		return errors.Join(err, fs.ErrNotExist)
	}
	if err := s.note(notePin, rel); err != nil {
		return err
	}
	return s.put(s.new(), rel)
}

// undo takes all steps back, the last one first, and removes the journal. Pins
// for which keep is true stay.
func (j *journal) undo(keep func(rel string) bool) error {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return err
	}
	slices.Reverse(entries)
	for _, e := range entries {
		number, kind, _ := strings.Cut(e.Name(), "-")
		if kind != noteDir && kind != notePin {
			continue
		}
		rel, err := os.Readlink(filepath.Join(j.dir, e.Name()))
		if err != nil {
			return err
		}
		if kind == notePin && keep(rel) {
			continue
		}
		if err := (step{j, number}).undo(kind, rel); err != nil {
			return fmt.Errorf("undo pin %s: %w", rel, err)
		}
	}
	return j.close()
}

// step is one step of a journal, by its number.
type step struct {
	j      *journal
	number string
}

func (j *journal) next() step {
	j.step++
	return step{j, fmt.Sprintf("%06d", j.step)}
}

func (s step) file(name string) string   { return filepath.Join(s.j.dir, s.number+"-"+name) }
func (s step) new() string               { return s.file("new") }
func (s step) old() string               { return s.file("old") }
func (s step) target(rel string) string  { return filepath.Join(s.j.root, rel) }
func (s step) note(kind, r string) error { return os.Symlink(r, s.file(kind)) }

// put has a name stand for the staged file, which stays staged.
func (s step) put(staged, rel string) error {
	second := staged + "-2"
	if err := ignore(unix.Unlink(second), fs.ErrNotExist); err != nil {
		return err // what a killed undo left
	}
	if err := os.Link(staged, second); err != nil {
		return err
	}
	return os.Rename(second, s.target(rel))
}

func (s step) undo(kind, rel string) error {
	staged, err := os.Lstat(s.new())
	if kind == noteDir {
		if err == nil {
			return nil // not yet renamed
		}
		return ignore(unix.Rmdir(s.target(rel)), fs.ErrNotExist, unix.ENOTEMPTY, unix.ENOTDIR, unix.ENAMETOOLONG)
	}
	if err != nil {
		return err
	}
	target, err := os.Lstat(s.target(rel))
	if err != nil || !os.SameFile(staged, target) { // a path that cannot be has nothing to undo
		return ignore(err, fs.ErrNotExist, unix.ENOTDIR, unix.ENAMETOOLONG)
	}
	if _, err := os.Lstat(s.old()); err == nil {
		return s.put(s.old(), rel)
	}
	return os.Remove(s.target(rel))
}

func renameNoReplace(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// ignore returns err, or nil if it is one of the targets.
func ignore(err error, targets ...error) error {
	for _, target := range targets {
		if errors.Is(err, target) {
			return nil
		}
	}
	return err
}
