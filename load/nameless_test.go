package load

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/sys"
	"github.com/xdpload/xdpload/internal/testobj"
)

// envNth says which call that makes a map fails, in the process of one load:
// cilium/ebpf remembers what it has found out.
const envNth = "XDPLOAD_TEST_NTH"

const noSuchCall = "no such call"

// TestNameless: whichever map the kernel once fails to make, also one by which
// cilium/ebpf finds out what the kernel has, a load that succeeds has given every
// map its name.
func TestNameless(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	if nth, err := strconv.Atoi(os.Getenv(envNth)); err == nil {
		loadFailing(t, nth)
		return
	}
	calls := 0
	for more := true; more; calls++ {
		cmd := exec.Command(os.Args[0], "-test.run=^TestNameless$", "-test.v")
		cmd.Env = append(os.Environ(), envNth+"="+strconv.Itoa(calls+1))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("call %d: %v: %s", calls+1, err, out)
		}
		more = err == nil && !strings.Contains(string(out), noSuchCall)
	}
	if calls < 5 {
		t.Errorf("%d calls", calls)
	}
}

// loadFailing loads a map of maps while the nth call that makes a map fails.
func loadFailing(t *testing.T, nth int) {
	obj, err := elf.Open(testobj.Path(t, "mim.o"))
	if err != nil {
		t.Fatal(err)
	}
	n := failing(t, unix.BPF_MAP_CREATE, nth, unix.EMFILE, func() error { return loadNamed(t, obj) })
	if n < nth {
		t.Log(noSuchCall)
	}
}

// loadNamed returns an error of a load that succeeds without names.
func loadNamed(t *testing.T, obj *elf.Object) error {
	l, err := Load(t.Context(), obj, Options{
		Select: elf.Selector{Program: obj.Programs()[0].Name, Type: ebpf.XDP}, Pins: PinOptions{Off: true},
	})
	if err != nil {
		t.Log(err)
		return nil //nolint:nilerr // a refusal is fine
	}
	defer l.Close()
	for _, m := range l.Maps {
		info, err := sys.InfoOfMap(m.FD())
		if err != nil {
			return err
		}
		if info.Name.String() == "" {
			return errors.New("no name: map " + m.Name)
		}
	}
	return nil
}
