package pin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/sys"
)

// Txn makes pins appear all together or not at all. Between [FS.Begin] and
// [Txn.Publish] it only collects what is to be done and looks at pins; Publish
// makes all names visible, or none and returns an error; [Txn.Commit] makes
// them permanent, [Txn.Rollback] takes them back, and so does the next
// transaction if the process dies before it commits. Attach between Publish and
// Commit, so that a refused attach leaves no pin.
//
// Pins that are not the transaction's own are never touched. From Publish to
// Commit or Rollback the transactions of other processes on the file system
// wait at their Publish, and those of the same process are refused by a
// [ConflictError].
//
// A Txn is for one goroutine.
type Txn struct {
	fs      *FS
	pins    []newPin
	reads   map[string]os.FileInfo // by path: the pin that was found
	state   state
	lock    *lock
	journal *journal
}

type newPin struct {
	rel     string
	path    string // as the caller wrote it
	object  Pinner
	replace bool
}

type state uint8

const (
	collecting state = iota
	published
	finished
)

var errFinished = errors.New("pin transaction is finished")

// Begin starts a transaction. If one was interrupted before, by SIGKILL say,
// and nothing else runs, Begin undoes it first.
func (f *FS) Begin() (*Txn, error) {
	if err := f.ifIdle((*lock).repair); err != nil {
		return nil, err
	}
	return &Txn{fs: f, reads: make(map[string]os.FileInfo)}, nil
}

// Pin gives one object a name, which stays: see [Txn.Pin]. A name that is taken is an
// *os.PathError that is os.ErrExist.
func (f *FS) Pin(ctx context.Context, path string, object Pinner) error {
	t, err := f.Begin()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return &os.PathError{Op: "pin", Path: path, Err: os.ErrExist}
	}
	if err := t.Pin(path, object); err != nil {
		return err
	}
	if err := t.Publish(ctx); err != nil {
		return err
	}
	return t.Commit()
}

// LoadMap opens the map that is pinned at path. The caller closes it. Publish
// fails with a [ConflictError] if the pin is another one by then. No pin there
// is an error that is os.ErrNotExist.
func (t *Txn) LoadMap(path string) (*ebpf.Map, error) {
	parent, name, err := t.fs.parent(path)
	if err != nil {
		return nil, err
	}
	defer parent.close()
	pin, err := parent.pin(name)
	if err != nil {
		return nil, err
	}
	defer pin.Close()
	found, err := pin.Stat()
	if err != nil {
		return nil, err
	}
	m, err := openMap(pin)
	if err != nil {
		return nil, &os.PathError{Op: "open pin", Path: path, Err: err}
	}
	t.reads[path] = found
	return m, nil
}

func openMap(pin *os.File) (*ebpf.Map, error) {
	fd, kind, err := sys.OpenPinned(proc(int(pin.Fd())))
	if err != nil {
		return nil, errors.Unwrap(err) // without that path
	}
	if kind != sys.KindMap {
		_ = sys.Close(fd)
		return nil, fmt.Errorf("a %v, not a map", Kind(kind))
	}
	return ebpf.NewMapFromFD(fd)
}

// Expect has Publish fail with a [ConflictError] if what path stands for is not
// found any more: a pin that an unfinished transaction had made, say.
func (t *Txn) Expect(path string, found os.FileInfo) { t.reads[path] = found }

// Pin has Publish pin an object at path, an absolute path below the root.
// Missing directories are made with mode 0700, and with the first pin in
// iproute2's tree the whole of that: tc, tc/globals, and the links xdp and ip.
// The object stays the caller's and open until Publish returns.
func (t *Txn) Pin(path string, object Pinner) error {
	return t.add(path, object, false)
}

// Replace is Pin for a path at which [Txn.LoadMap] has found a map: the name
// stands for the new object from Publish on, and for the old one again after a
// Rollback.
func (t *Txn) Replace(path string, object Pinner) error {
	if _, ok := t.reads[path]; !ok {
		return &os.PathError{Op: "replace pin", Path: path, Err: errors.New("not loaded in this transaction")}
	}
	return t.add(path, object, true)
}

func (t *Txn) add(path string, object Pinner, replace bool) error {
	if t.state != collecting {
		return errFinished
	}
	rel, err := t.fs.rel(path)
	if err != nil {
		return err
	}
	for _, p := range t.pins {
		if p.rel == rel {
			return &os.PathError{Op: "pin", Path: path, Err: errors.New("two objects for one name")}
		}
	}
	t.pins = append(t.pins, newPin{rel, path, object, replace})
	return nil
}

// Publish makes all pins visible, or none: then the transaction is finished. It
// waits while that of another process is between Publish and Commit, as long as
// ctx lets it: see [WithWait]. A path that is taken, and a pin that LoadMap found and that is
// no longer there, are a [ConflictError].
func (t *Txn) Publish(ctx context.Context) (err error) {
	if t.state != collecting {
		return errFinished
	}
	t.state = finished
	if len(t.pins) == 0 && len(t.reads) == 0 {
		t.state = published
		return nil
	}
	if t.lock, err = t.fs.lock(ctx, len(t.pins) > 0); err != nil {
		return fmt.Errorf("publish pins: %w", err)
	}
	if err := t.publish(); err != nil {
		return errors.Join(err, t.abandon())
	}
	t.state = published
	if t.journal == nil {
		t.unlock() // nothing to take back: nobody need wait
	}
	return nil
}

// Attaching notes which program is about to be attached. If the process dies after
// that, the pins stay as long as the program lives, so call it last. (A program
// that is pinned by the transaction itself lives on by that.)
func (t *Txn) Attaching(o Owner) error {
	if t.journal == nil {
		return nil
	}
	return t.journal.next().note(noteRun, o.dirName())
}

func (t *Txn) publish() (err error) {
	if t.lock != nil {
		if err := t.lock.repair(); err != nil {
			return err
		}
	}
	if err := t.checkReads(); err != nil || len(t.pins) == 0 {
		return err
	}
	if t.journal, err = t.lock.newJournal(); err != nil {
		t.journal = nil
		return err
	}
	for _, p := range t.pins {
		if err := t.publishPin(p); err != nil {
			return err
		}
	}
	return nil
}

func (t *Txn) checkReads() error {
	for path, found := range t.reads {
		now, err := os.Lstat(path)
		if err == nil && !os.SameFile(found, now) {
			err = fs.ErrNotExist
		}
		if err := conflict(path, err, fs.ErrNotExist); err != nil {
			return err
		}
	}
	return nil
}

func (t *Txn) publishPin(p newPin) error {
	if inLayout(p.rel) {
		if err := t.journal.makeLayout(); err != nil {
			return err
		}
	}
	stage := func(path string) error { return pinDuplicate(p.object, path) }
	if p.replace {
		return conflict(p.path, t.journal.replace(p.rel, t.reads[p.path], stage), fs.ErrNotExist)
	}
	return conflict(p.path, t.journal.link(p.rel, stage), fs.ErrExist)
}

// Commit makes the published pins permanent, publishing them first if that was
// not done. After an error nothing is pinned.
func (t *Txn) Commit() error {
	if t.state == collecting {
		if err := t.Publish(context.Background()); err != nil {
			return err
		}
	}
	if t.state != published {
		return errFinished
	}
	t.state = finished
	if t.journal == nil {
		return nil
	}
	if err := t.journal.close(); err != nil {
		return errors.Join(err, t.abandon())
	}
	t.unlock()
	return nil
}

// Rollback takes published pins back, and the directories that were made for
// them. Rollback after Commit, or a second one, does nothing: it can be
// deferred right after Begin.
func (t *Txn) Rollback() error {
	if t.state == finished {
		return nil
	}
	t.state = finished
	return t.abandon()
}

func (t *Txn) abandon() error {
	defer t.unlock()
	if t.journal == nil {
		return nil
	}
	if err := t.journal.undo(func(string) bool { return false }); err != nil {
		return fmt.Errorf("roll back pins: %w", err)
	}
	return nil
}

func (t *Txn) unlock() {
	if t.journal != nil {
		t.journal.dir.close()
	}
	if t.lock != nil {
		t.lock.release()
		t.lock = nil
	}
}
