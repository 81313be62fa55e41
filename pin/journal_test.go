package pin

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWayOfOthers: a directory that another program makes at the last moment is
// theirs, also while nothing is in it: rename(2) alone would put ours in its place,
// and undo would remove it.
func TestWayOfOthers(t *testing.T) {
	f := newFS(t)
	root, err := f.open()
	must(t, err)
	defer root.close()
	must(t, root.mkdir("ours"))
	must(t, root.mkdir("theirs"))
	before, err := root.lstat("theirs")
	must(t, err)
	if err := root.rename("ours", root, "theirs", unix.RENAME_NOREPLACE); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a directory that is there: %v", err)
	}
	if after, err := root.lstat("theirs"); err != nil || !sameFile(before, after) {
		t.Errorf("another directory has its name: %v", err)
	}
}

// TestBrokenNotes: of a journal with a note that no transaction can have written,
// nothing is undone, and the note is named.
func TestBrokenNotes(t *testing.T) {
	for name, target := range map[string]string{
		"000009-dir":  "../outside",
		"000009-pin":  "/etc/passwd",
		"000009-run":  "x",
		"junk-pin":    "mine",
		"000009-else": "mine",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFS(t)
			dead := stagePins(t, f, "mine")
			must(t, dead.Publish(t.Context()))
			dead.unlock() // as the kernel does for a dead process
			note := f.abs(home) + "/" + journalOpen + "/" + name
			must(t, os.Symlink(target, note))
			before := tree(t, f.Root())
			_, err := f.Begin()
			if path, ok := errors.AsType[*os.PathError](err); !ok || path.Path != note {
				t.Errorf("Begin: %v", err)
			}
			if _, err := f.GC(t.Context(), GCOptions{}); err == nil {
				t.Error("GC undoes it")
			}
			if after := tree(t, f.Root()); len(after) != len(before) {
				t.Errorf("%q became %q", before, after)
			}
			must(t, os.Remove(note))
			must(t, stagePins(t, f, "mine").Commit())
		})
	}
}

// TestUndoBehindSymlink: a symbolic link on the way to what is to be undone is not
// followed.
func TestUndoBehindSymlink(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "theirs/m").Commit())
	dead := stagePins(t, f, "mine/m")
	must(t, dead.Publish(t.Context()))
	dead.unlock()
	must(t, os.Rename(f.abs("mine"), f.abs("moved")))
	must(t, os.Symlink("theirs", f.abs("mine")))
	gc(t, f, GCOptions{})
	if mapID(t, f.abs("theirs/m")) == 0 || mapID(t, f.abs("moved/m")) == 0 {
		t.Errorf("left: %q", tree(t, f.Root()))
	}
}
