package pin

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRemoveAll: one pin, or all below a directory and nothing behind a symbolic link,
// at the end of iproute2's links too.
func TestRemoveAll(t *testing.T) {
	f, outside := newFS(t), t.TempDir()
	must(t, stagePins(t, f, "d/e/f/m", "d/e/n", "d/o", "kept/m", "p").Commit())
	must(t, errors.Join(os.Mkdir(outside+"/dir", dirMode), os.Symlink(outside, f.abs("d/e/out")), os.Symlink("../kept", f.abs("d/in"))))
	for _, path := range []string{"d", "p"} {
		must(t, f.RemoveAll(t.Context(), f.abs(path)))
		if err := f.RemoveAll(t.Context(), f.abs(path)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s again: %v", path, err)
		}
	}
	if diff := cmp.Diff([]string{"/kept drwx------", "/kept/m -rw-------"}, tree(t, f.Root())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := os.Stat(outside + "/dir"); err != nil {
		t.Error(err)
	}
	for _, path := range []string{f.Root(), outside, f.abs("kept/../..")} {
		if err := f.RemoveAll(t.Context(), path); err == nil {
			t.Errorf("%s can be removed", path)
		}
	}
}

// TestRemoveForeign: what has the place of the package's own directory can be removed,
// and not while a load is under way.
func TestRemoveForeign(t *testing.T) {
	f := shared(t)
	txn := stagePins(t, f, "m")
	must(t, txn.Publish(t.Context()))
	if err := f.RemoveAll(t.Context(), f.abs(home)); !isBusy(err) {
		t.Errorf("during a transaction: %v", err)
	}
	must(t, txn.Rollback())
	asAnother(t, func() error { return os.MkdirAll(f.abs(home)+"/"+journalOpen, 0o755) })
	must(t, f.RemoveAll(t.Context(), f.abs(home)))
	must(t, stagePins(t, f, "m").Commit())
}
