package pin

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// TestOpenMap: what is no map is called what it is, and never a file that is not there.
func TestOpenMap(t *testing.T) {
	f := newFS(t)
	m := newMap(t)
	must(t, m.Pin(f.abs("m")))
	must(t, newProgram(t, m).Pin(f.abs("p")))
	must(t, os.Mkdir(f.abs("d"), dirMode))
	got, err := OpenMap(f.abs("m"), &ebpf.LoadPinOptions{ReadOnly: true})
	must(t, err)
	defer got.Close()
	if got.Type() != m.Type() {
		t.Errorf("opened a map of type %v", got.Type())
	}
	for name, want := range map[string]string{
		"p": ": a program of type xdp, not a map", "d": ": permission denied", "none": ": no such file or directory",
	} {
		_, err := OpenMap(f.abs(name), nil)
		if x, ok := errors.AsType[*os.PathError](err); !ok || x.Path != f.abs(name) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
