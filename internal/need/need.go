// Package need is the one way in which a test is skipped: what it needs is
// named, and may be missing only where that is excused. It imports nothing of
// the project, so that every package's tests can use it.
package need

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A Feature is something that a test needs and that not every machine has.
type Feature struct {
	Name string
	// Since is the first kernel that has it, "6.6". From then on its absence
	// fails the test, unless it is excused. Empty: any kernel may lack it.
	Since string
	// Config is the option that a kernel can be built without, "CONFIG_NETKIT".
	// A kernel whose configuration says so is excused.
	Config string
	// Probe returns nil if the feature is there.
	Probe func() error
}

// Of skips the test when one of the features is not there, and fails it when
// this kernel should have the feature.
func Of(t testing.TB, features ...Feature) {
	t.Helper()
	for _, f := range features {
		err := f.Probe()
		if err == nil {
			continue
		}
		if reason, ok := f.excused(err); ok {
			t.Skipf("SKIP: needs %s: %s", f.Name, reason)
		}
		t.Fatalf("this kernel should have %s, since %s: %v", f.Name, f.Since, err)
	}
}

// Root is the privilege to make namespaces and load programs, where there is bpf(2) at
// all: an emulator of programs for other machines does not pass it on.
var Root = Feature{Name: "root", Probe: func() error {
	if os.Geteuid() != 0 {
		return errors.New("run as root")
	}
	if _, _, errno := unix.Syscall(unix.SYS_BPF, 0, 0, 0); errno == unix.ENOSYS {
		return errors.New("there is no bpf(2)")
	}
	return nil
}}

// LittleEndian is the byte order of the machines that messages were recorded on.
var LittleEndian = Feature{Name: "a little-endian machine, as messages were recorded on", Probe: func() error {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return errors.New("this one is big-endian")
	}
	return nil
}}

// Self is a kernel that runs this test's own program when another asks it to.
var Self = Feature{Name: "the way to run the test's program", Probe: func() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return exec.Command(self, "-test.list=^$").Run()
}}

// Command is the need for a program that is a witness beside ours.
func Command(name string) Feature {
	return Feature{Name: "the command " + name, Probe: func() error {
		_, err := exec.LookPath(name)
		return err
	}}
}

// Mended is the need for a kernel without a fault that no test can try, since to try it
// ends the machine. The release that has the fix tells.
func Mended(fault, since string) Feature {
	return Feature{Name: "a kernel without " + fault, Since: since, Probe: func() error {
		if release := kernelRelease(); older(release, since) {
			return errors.New(release + " has it")
		}
		return nil
	}}
}

// excused says why a feature may be absent here.
func (f Feature) excused(err error) (reason string, ok bool) {
	if f.Since == "" {
		return err.Error(), true
	}
	if errors.Is(err, os.ErrPermission) && os.Geteuid() != 0 { // the question takes more than this process may do
		return Root.Name + ": " + err.Error(), true
	}
	if release := kernelRelease(); older(release, f.Since) {
		return fmt.Sprintf("Linux %s, this is %s", f.Since, release), true
	}
	if f.Config != "" {
		if built, known := kernelConfig(f.Config); known && !built {
			return "the kernel is built without " + f.Config, true
		}
	}
	return "", false
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// older compares the first two numbers of releases.
func older(release, since string) bool {
	major, minor := firstNumbers(release)
	sinceMajor, sinceMinor := firstNumbers(since)
	return major < sinceMajor || major == sinceMajor && minor < sinceMinor
}

func firstNumbers(release string) (major, minor int) {
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		panic(fmt.Sprintf("%q is no release of Linux: %v", release, err))
	}
	return major, minor
}

// kernelConfig says whether an option is y or m in the running kernel's
// configuration, and whether that can be known.
func kernelConfig(option string) (built, known bool) {
	f, err := openConfig()
	if err != nil {
		return false, false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), option+"="); ok {
			return value == "y" || value == "m", true
		}
	}
	return false, lines.Err() == nil
}

func openConfig() (io.ReadCloser, error) {
	if packed, err := os.ReadFile("/proc/config.gz"); err == nil {
		plain, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		return plain, nil
	}
	if f, err := os.Open("/boot/config-" + kernelRelease()); err == nil {
		return f, nil
	}
	return os.Open("/lib/modules/" + kernelRelease() + "/config")
}
