package isolate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
)

// role tells the processes of a chroot from the test: a parent, whose namespace
// the mounts of its child should stay out of.
const role = "XDPLOAD_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "parent":
		child := exec.Command("/self")
		child.Stdin = os.Stdin // there is no /dev/null
		child.Env = []string{role + "=child"}
		child.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
		said, err := child.CombinedOutput()
		fmt.Printf("%s, %v", said, err)
	case "child":
		fmt.Print(Mounts())
	default:
		os.Exit(m.Run())
	}
}

func TestMountsInChroot(t *testing.T) {
	need.Of(t, need.Root)
	for _, tt := range []struct {
		name        string
		propagation uintptr
		want        string
	}{
		{"private", unix.MS_PRIVATE, "<nil>, <nil>"},
		{"shared", unix.MS_SHARED, "private mounts: " + errSeen.Error() + ", <nil>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := inChroot(t, tt.propagation); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}

// inChroot returns what a parent prints whose root is a directory of a mount with
// that propagation.
func inChroot(t *testing.T, propagation uintptr) string {
	t.Helper()
	base := t.TempDir()
	said := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlock: the namespace ends with the thread
		out, err := runParent(base, propagation)
		if err != nil {
			out = append(out, err.Error()...)
		}
		said <- strings.TrimSpace(string(out))
	}()
	return <-said
}

func runParent(base string, propagation uintptr) ([]byte, error) {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, err
	}
	if err := Mounts(); err != nil {
		return nil, err
	}
	if err := unix.Mount("none", base, "tmpfs", 0, ""); err != nil {
		return nil, err
	}
	if err := unix.Mount("none", base, "", propagation, ""); err != nil {
		return nil, err
	}
	root := filepath.Join(base, "root")
	for _, dir := range []string{"proc", "run"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			return nil, err
		}
	}
	if err := unix.Mount("proc", filepath.Join(root, "proc"), "proc", 0, ""); err != nil {
		return nil, err
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(root, "self"), self, 0o700); err != nil {
		return nil, err
	}
	parent := exec.Command("/self")
	parent.Dir = "/"
	parent.Stdin = os.Stdin
	parent.Env = []string{role + "=parent"}
	parent.SysProcAttr = &unix.SysProcAttr{Chroot: root}
	return parent.CombinedOutput()
}
