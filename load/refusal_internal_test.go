package load

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// wordsOfLibrary are cilium/ebpf's about what it does when a load fails.
var wordsOfLibrary = []string{
	"creating map", "map create", "load program: ", "token attributes", "fixing up", "kfunc", "freeze map", "populating",
	"putting value", ": update: ", "detect support", "getting object info", "iterate modules",
}

// tokenCreate is BPF_TOKEN_CREATE of include/uapi/linux/bpf.h.
const tokenCreate = 36

// TestNoWordsOfLibrary: whatever call of a load fails, who loads is told of the object and the
// kernel, and not of what the library was about.
func TestNoWordsOfLibrary(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	bpftest.NewNamespace(t) // and a BPF file system
	for _, tt := range []struct {
		object, section string
		commands        []uint32
	}{
		{"tail.o", "xdp.frags", []uint32{unix.BPF_MAP_CREATE, unix.BPF_MAP_UPDATE_ELEM, unix.BPF_PROG_LOAD, unix.BPF_OBJ_GET_INFO_BY_FD, tokenCreate}},
		{"mim.o", "", []uint32{unix.BPF_MAP_CREATE, unix.BPF_MAP_UPDATE_ELEM, unix.BPF_OBJ_GET_INFO_BY_FD, tokenCreate}},
		{"count.o", "xdp", []uint32{unix.BPF_MAP_CREATE, unix.BPF_MAP_FREEZE, unix.BPF_BTF_LOAD}},
		{"kernel_names.o", "xdp", []uint32{unix.BPF_BTF_GET_NEXT_ID}},
	} {
		bpftest.Need(t, bpftest.Fixture(tt.object)...)
		obj, err := elf.Open(testobj.Path(t, tt.object))
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range tt.commands {
			for nth, made := 1, 1; made >= nth && nth <= 6; nth++ {
				made = failing(t, command, nth, unix.EIO, func() error {
					l, err := Load(t.Context(), obj, Options{Select: elf.Selector{Section: tt.section}, Jobs: NewJobs(1)})
					if err == nil {
						return l.Close()
					}
					for _, words := range wordsOfLibrary {
						if strings.Contains(err.Error(), words) {
							t.Errorf("%s: call %d of command %d: %q in %v", tt.object, nth, command, words, err)
						}
					}
					return nil
				})
			}
		}
	}
}
