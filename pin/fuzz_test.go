package pin

import (
	"os"
	"strings"
	"testing"
)

// FuzzJournal: whatever stands in the journal of a transaction that died, what it has not
// pinned stays, and a note that is not its own is an error until it is gone.
func FuzzJournal(f *testing.F) {
	for name, target := range map[string]string{
		"000009-dir": "theirs", "000009-pin": "theirs/m", "000009-run": "prog-1", "000009-new": "x", "9-old-2": "mine",
		"000009-else": "mine", "-pin": "../outside", "000001-pin": "mine/", "4294967296-dir": "theirs",
	} {
		f.Add(name, target)
	}
	fs := newFS(f)
	f.Fuzz(func(t *testing.T, name, target string) {
		_ = fs.RemoveAll(t.Context(), fs.abs("mine"))
		if _, err := os.Stat(fs.abs("theirs/m")); err != nil {
			must(t, stagePins(t, fs, "theirs/m").Commit())
		}
		dead := stagePins(t, fs, "mine/m")
		must(t, dead.Publish(t.Context()))
		dead.unlock() // as the kernel does for a dead process
		note := fs.abs(home) + "/" + journalOpen + "/" + name
		planted := !strings.Contains(name, "/") && os.Symlink(target, note) == nil
		txn, err := fs.Begin()
		if err != nil {
			if !planted {
				t.Errorf("Begin: %v", err)
			}
			_ = os.Remove(note)
			txn, err = fs.Begin()
			must(t, err)
		}
		must(t, txn.Rollback())
		if _, err := os.Stat(fs.abs("theirs/m")); err != nil {
			t.Errorf("a note %q of %q takes what is another's: %v", name, target, err)
		}
	})
}
