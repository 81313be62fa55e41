package pin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	*lock
	dir  *dir
	step int
}

// The journal's directory in the home directory, before and after the one
// rename that decides: what is in an open journal is undone, a closed one is
// only swept away.
const (
	journalOpen   = "open"
	journalClosed = "closed"
)

const (
	noteDir = "dir"
	notePin = "pin"
	noteRun = "run"
)

// newJournal starts the journal, after repair.
func (l *lock) newJournal() (*journal, error) {
	if err := l.home.mkdir(journalOpen); err != nil {
		return nil, &os.PathError{Op: "mkdir", Path: l.home.join(journalOpen), Err: err}
	}
	return l.openJournal()
}

func (l *lock) openJournal() (*journal, error) {
	d, err := l.home.own(journalOpen)
	return &journal{lock: l, dir: d}, err
}

// repair undoes what a transaction left whose process is dead, unless the program
// that it was for was attached by then: that one needs what is pinned.
func (l *lock) repair() error {
	if err := l.home.sweep(journalClosed); err != nil {
		return err
	}
	j, err := l.openJournal()
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	defer j.dir.close()
	notes, err := j.notes()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(notes, note.runs) {
		return j.close()
	}
	return j.undo(inUse)
}

// note is what a journal says of a step.
type note struct {
	step
	kind   string
	target string // seen from the root; an owner for noteRun
}

// notes reads them. One that no transaction can have written is an error, and
// nothing is done about any.
func (j *journal) notes() ([]note, error) {
	names, err := j.dir.names()
	if err != nil {
		return nil, err
	}
	var notes []note
	for _, name := range names {
		number, kind, _ := strings.Cut(name, "-")
		n := note{step{j, number}, kind, ""}
		switch kind {
		case noteDir, notePin, noteRun:
			if n.target, err = j.dir.readlink(name); err == nil {
				notes = append(notes, n)
			}
		case "new", "old", "new-2", "old-2":
		default:
			err = fs.ErrInvalid
		}
		if st, statErr := j.dir.lstat(name); err != nil || statErr != nil || !n.sound(st) {
			return nil, &os.PathError{Op: "read", Path: j.dir.join(name), Err: errors.New("no note of a transaction: nothing is undone while it is there")}
		}
	}
	return notes, nil
}

func (n note) sound(st *unix.Stat_t) bool {
	_, err := strconv.ParseUint(n.number, 10, 32)
	switch n.kind {
	case noteRun:
		_, ok := parseOwner(n.target)
		return err == nil && ok && trusted(st)
	case noteDir, notePin:
		return err == nil && local(n.target) && trusted(st)
	}
	return err == nil && trusted(st)
}

// runs reports whether it is the note of a program that was about to be attached
// and lives, which it does only if it was.
func (n note) runs() bool {
	if o, ok := parseOwner(n.target); ok && n.kind == noteRun {
		alive, err := o.Alive()
		return alive || err != nil // not to be known, so nothing is taken from it
	}
	return false
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
	if err := j.home.rename(journalOpen, j.home, journalClosed, 0); err != nil {
		return &os.PathError{Op: "close", Path: j.dir.path, Err: err}
	}
	_ = j.home.sweep(journalClosed)
	return nil
}

// way opens the directory of a path seen from the root, and makes what is
// missing of it.
func (j *journal) way(rel string) (*dir, error) {
	d, err := j.root.walk(rel)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	above, err := j.way(filepath.Dir(rel))
	if err != nil {
		return nil, err
	}
	defer above.close()
	s := j.next()
	if err := j.dir.mkdir(s.new()); err != nil {
		return nil, err
	}
	if err := s.note(noteDir, rel); err != nil {
		return nil, err
	}
	name := filepath.Base(rel)
	// A directory that another program has made since is as good as ours.
	if err := j.dir.rename(s.new(), above, name, unix.RENAME_NOREPLACE); ignore(err, fs.ErrExist) != nil {
		return nil, err
	}
	return above.sub(name, unix.O_PATH)
}

// link gives a new name to the pin or symbolic link that stage makes. A name
// that is taken is an error that is fs.ErrExist, but for a symbolic link's.
func (j *journal) link(rel string, stage func(path string) error) error {
	parent, err := j.way(filepath.Dir(rel))
	if err != nil {
		return err
	}
	defer parent.close()
	s, name := j.next(), filepath.Base(rel)
	if err := stage(j.dir.proc(s.new())); err != nil {
		return err
	}
	if err := s.note(notePin, rel); err != nil {
		return err
	}
	err = j.dir.link(s.new(), parent, name)
	if st, statErr := parent.lstat(name); err != nil && statErr == nil && isSymlink(st) {
		return errSymlink
	}
	return err
}

// replace has a name stand for the pin that stage makes, and no more for the
// one that is want. Another one is an error that is fs.ErrNotExist.
func (j *journal) replace(rel string, want os.FileInfo, stage func(path string) error) error {
	parent, err := j.root.walk(filepath.Dir(rel))
	if err != nil {
		return err
	}
	defer parent.close()
	s := j.next()
	if err := stage(j.dir.proc(s.new())); err != nil {
		return err
	}
	if err := parent.link(filepath.Base(rel), j.dir, s.old()); err != nil {
		return err
	}
	if old, err := os.Lstat(j.dir.proc(s.old())); err != nil || !os.SameFile(old, want) {
		return errors.Join(err, fs.ErrNotExist)
	}
	if err := s.note(notePin, rel); err != nil {
		return err
	}
	return s.put(s.new(), parent, filepath.Base(rel))
}

// undo takes all steps back, the last one first, and removes the journal. Pins
// for which keep is true stay.
func (j *journal) undo(keep func(rel string) bool) error {
	notes, err := j.notes()
	if err != nil {
		return err
	}
	slices.Reverse(notes)
	for _, n := range notes {
		if n.kind == noteRun || n.kind == notePin && keep(n.target) {
			continue
		}
		if err := n.undo(); err != nil {
			return fmt.Errorf("undo pin %s: %w", j.root.join(n.target), err)
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

func (s step) new() string { return s.number + "-new" }
func (s step) old() string { return s.number + "-old" }

func (s step) note(kind, target string) error {
	return unix.Symlinkat(target, s.j.dir.fd, s.number+"-"+kind)
}

// put has a name stand for the staged file, which stays staged.
func (s step) put(staged string, parent *dir, name string) error {
	second := staged + "-2"
	if err := ignore(s.j.dir.unlink(second), fs.ErrNotExist); err != nil {
		return err // what a killed undo left
	}
	if err := s.j.dir.link(staged, s.j.dir, second); err != nil {
		return err
	}
	return s.j.dir.rename(second, parent, name, 0)
}

// undo takes a step back. At a path that cannot be there is nothing to undo.
func (n note) undo() error {
	staged, stagedErr := n.j.dir.lstat(n.new())
	parent, err := n.j.root.walk(filepath.Dir(n.target))
	if err != nil {
		return ignore(err, fs.ErrNotExist, unix.ENOTDIR, errSymlink, unix.ENAMETOOLONG)
	}
	defer parent.close()
	name := filepath.Base(n.target)
	if n.kind == noteDir {
		if stagedErr == nil {
			return nil // not yet renamed
		}
		return ignore(parent.rmdir(name), fs.ErrNotExist, unix.ENOTEMPTY, unix.ENOTDIR, unix.ENAMETOOLONG)
	}
	if stagedErr != nil {
		return stagedErr
	}
	target, err := parent.lstat(name)
	if err != nil || !sameFile(staged, target) {
		return ignore(err, fs.ErrNotExist, unix.ENAMETOOLONG)
	}
	if _, err := n.j.dir.lstat(n.old()); err == nil {
		return n.put(n.old(), parent, name)
	}
	return parent.unlink(name)
}
