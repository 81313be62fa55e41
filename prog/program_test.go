package prog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/prog"
)

// TestOpenRefused: what is no program of the wanted type is told apart, and closed.
func TestOpenRefused(t *testing.T) {
	b := lab.NewBench(t)
	l := b.Install("percpu.o", load.Options{Pins: load.PinOptions{Maps: b.Root + "/mine", Program: b.Root + "/mine/prog"}})
	p := l.Program()
	other := func() (*prog.Program, error) {
		fd, err := unix.Dup(p.FD())
		if err != nil {
			t.Fatal(err)
		}
		return prog.OpenFD(fd, ebpf.SchedCLS)
	}
	for _, tt := range []struct {
		name string
		open func() (*prog.Program, error)
		typ  bool // the type is what is wrong
		says string
	}{
		{"pinned", func() (*prog.Program, error) { return prog.OpenPinned(b.Root+"/mine/prog", ebpf.SchedCLS) }, true, "/mine/prog is a program of type xdp"},
		{"id", func() (*prog.Program, error) { return prog.OpenID(p.ID, ebpf.SchedCLS) }, true, "the hook runs sched_cls"},
		{"descriptor", other, true, "the hook runs sched_cls"},
		{"map", func() (*prog.Program, error) { return prog.OpenPinned(b.Root+"/mine/flows", ebpf.XDP) }, false, "a map of type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.open()
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
			if _, typ := errors.AsType[*prog.TypeError](err); typ != tt.typ {
				t.Errorf("%v: TypeError is %v", err, typ)
			}
		})
	}
}
