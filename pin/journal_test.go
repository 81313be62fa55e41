package pin

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// TestRenameNoReplace: a directory that another program has made in the meantime is
// theirs, also while nothing is in it: rename(2) alone would put ours in its place,
// and undo would remove it.
func TestRenameNoReplace(t *testing.T) {
	f := newFS(t)
	ours, theirs := f.abs("ours"), f.abs("theirs")
	must(t, os.Mkdir(ours, dirMode))
	must(t, os.Mkdir(theirs, dirMode))
	before, err := os.Stat(theirs)
	must(t, err)
	if err := renameNoReplace(ours, theirs); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a directory that is there: %v", err)
	}
	if after, err := os.Stat(theirs); err != nil || !os.SameFile(before, after) {
		t.Errorf("another directory has its name: %v", err)
	}
	must(t, os.Remove(theirs))
	must(t, renameNoReplace(ours, theirs))
	if _, err := os.Stat(ours); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old name: %v", err)
	}
}
