package load

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/sys/intercept"
	"github.com/xdpload/xdpload/internal/testobj"
)

// failing runs do on a thread whose nth call of bpf(2) with a command, from 1, fails,
// and returns how many it has made.
func failing(t *testing.T, command uint32, nth int, errno unix.Errno, do func() error) (n int) {
	t.Helper()
	begun, done := make(chan *intercept.Calls), make(chan error)
	go func() {
		calls, err := intercept.BPF(command)
		begun <- calls
		if err == nil {
			err = errors.Join(do(), calls.End())
		}
		done <- err
	}()
	if calls := <-begun; calls != nil {
		for range calls.All() {
			if n++; n == nth {
				calls.Fail(errno)
			}
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	return n
}

// newArray makes a map that the caller closes.
func newArray(t *testing.T) *ebpf.Map {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestFill: a map that cannot get all that its object puts there is no map of the
// load, and is closed.
func TestFill(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	spec := &ebpf.MapSpec{
		Name: "short", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1,
		Contents: []ebpf.MapKV{{Key: uint32(0), Value: uint32(7)}, {Key: uint32(5), Value: uint32(7)}},
	}
	l := loader{}
	if m, err := l.createMap(spec); m != nil || err == nil || !strings.HasPrefix(err.Error(), "set element 5: ") {
		t.Errorf("made %v, %v", m, err)
	}
	frozen := newArray(t)
	defer frozen.Close()
	constants := &ebpf.MapSpec{Name: ".rodata.str"}
	if err := fill(frozen, constants); err != nil {
		t.Fatal(err)
	}
	if err := frozen.Put(uint32(0), uint32(7)); !errors.Is(err, unix.EPERM) {
		t.Errorf("a constant is set: %v", err)
	}
	if err := fill(frozen, constants); err == nil || !strings.HasPrefix(err.Error(), "freeze: ") {
		t.Errorf("the kernel does not freeze it again: %v", err)
	}
}

// TestCheckDevice: a map that is not where the program is, or of which that cannot
// be told, is not kept open.
func TestCheckDevice(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	l := loader{options: Options{Ifindex: 7}}
	if err := l.checkDevice(newArray(t), "m"); !errors.Is(err, errOtherDevice) {
		t.Errorf("a map in the kernel: %v", err)
	}
	gone := newArray(t)
	asked := failing(t, unix.BPF_OBJ_GET_INFO_BY_FD, 1, unix.ENODEV, func() error {
		if err := l.checkDevice(gone, "m"); !errors.Is(err, unix.ENODEV) {
			t.Errorf("a map whose device is gone: %v", err)
		}
		return nil
	})
	if asked != 1 {
		t.Errorf("%d questions about the map", asked)
	}
}

// TestVerifyKeepsNothing: also a program that is verified in another way, or once
// more, is closed.
func TestVerifyKeepsNothing(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	for _, tt := range []struct {
		name, object string
		refused      int // the loads that are refused at first
	}{
		{name: "by a plain call", object: "core.o"},
		{name: "rewritten", object: "externs.o"},
		{name: "with its log", object: "core.o", refused: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bpftest.NoLeaks(t)
			obj, err := elf.Open(testobj.Path(t, tt.object))
			if err != nil {
				t.Fatal(err)
			}
			failing(t, unix.BPF_PROG_LOAD, tt.refused, unix.E2BIG, func() error {
				results, err := Verify(t.Context(), obj, VerifyOptions{Jobs: NewJobs(1)})
				for _, r := range results {
					if r.Err != nil || r.Cost.Instructions == 0 {
						t.Errorf("%s: cost %+v, %v", r.Program.Name, r.Cost, r.Err)
					}
				}
				return err
			})
		})
	}
}

// TestOverlong: a program that is too much for the verifier is not verified once more for the rest
// of a log that is longer than any other.
func TestOverlong(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.NoLeaks(t)
	image, err := listing.Assemble(strings.NewReader(`.section xdp progbits ax 8
.function f
	r0 = 0
	r6 = 0
loop:
	r6 += 1
	r0 += 1
	if r6 < 400000 goto loop
	exit
`))
	if err != nil {
		t.Fatal(err)
	}
	obj, err := elf.Read(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	ways := []bool{true, false}
	if bpftest.InGuest() { // where the verifier takes much longer
		ways = ways[:1]
	}
	for _, verify := range ways {
		n := failing(t, unix.BPF_PROG_LOAD, 0, 0, func() error {
			var refused error
			if verify {
				results, err := Verify(t.Context(), obj, VerifyOptions{Jobs: NewJobs(1)})
				if err != nil {
					return err
				}
				refused = results[0].Err
			} else {
				_, refused = Load(t.Context(), obj, Options{Select: elf.Selector{Type: ebpf.XDP}, Jobs: NewJobs(1)})
			}
			v, ok := errors.AsType[*ebpf.VerifierError](refused)
			if !ok || !errors.Is(refused, unix.E2BIG) || !strings.Contains(refused.Error(), "program is too large. Processed 1000001 insn") {
				t.Errorf("refused as %v", refused)
			} else if tail := strings.Join(LogTail(v.Log, 10), "\n"); !strings.Contains(tail, ": (07) r6 += 1") || !strings.Contains(tail, "\nprocessed ") {
				t.Errorf("the end of its log is %q", tail)
			}
			return nil
		})
		if n > 3 { // two, and before Linux 6.4, which keeps the end of a log, one for all of it
			t.Errorf("it was verified %d times", n)
		}
	}
}
