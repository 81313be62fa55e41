package netns_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/netns"
)

func TestAll(t *testing.T) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &st); err != nil {
		t.Fatal(err)
	}
	all := netns.All()
	if len(all) == 0 || all[0].Inode != st.Ino {
		t.Fatalf("the first is not this one, %d: %+v", st.Ino, all)
	}
	seen := make(map[uint64]bool)
	for _, n := range all {
		if seen[n.Inode] {
			t.Errorf("namespace %d twice", n.Inode)
		}
		seen[n.Inode] = true
		if n.Name == "" && n.PID == 0 {
			t.Errorf("neither name nor process: %+v", n)
		}
		f, err := netns.Open(n.Path)
		if errors.Is(err, os.ErrNotExist) {
			continue // the process has ended since
		}
		if err != nil {
			t.Errorf("open %+v: %v", n, err)
			continue
		}
		f.Close()
	}
}

func TestGone(t *testing.T) {
	here := netns.All()[0]
	if here.Gone() {
		t.Errorf("%+v is gone", here)
	}
	other := here
	other.Inode++
	if !other.Gone() {
		t.Error("another namespace at the path is taken for the one that was there")
	}
	here.Path = "/proc/self/ns/none"
	if !here.Gone() {
		t.Error("a path that is gone is taken for a namespace")
	}
}
