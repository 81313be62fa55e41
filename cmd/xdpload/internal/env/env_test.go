package env

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

func TestMain(m *testing.M) { os.Exit(bpftest.Main(m)) }

type full struct{}

var errFull = errors.New("no space")

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestRefuse: why a command fails is told also where its report cannot be printed.
func TestRefuse(t *testing.T) {
	why := errors.New("the verdict is XDP_PASS")
	found := Notice{Warning: "found"}
	e := &Env{Stdout: full{}}
	if _, err := e.Refuse(found, why); !errors.Is(err, why) || !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	e.Stdout = io.Discard
	if _, err := e.Refuse(found, why); !errors.Is(err, why) || errors.Is(err, errFull) {
		t.Errorf("printed: %v", err)
	}
}

// TestPassOn: what the kernel says of requests that it carried out is told once, with the
// device, and as ip tells it where that is asked for.
func TestPassOn(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	c := bpftest.NewNamespace(t).Conn()
	warned := []netlink.Warning{
		{Op: "add filter", Ifindex: 1, Message: "Quantum is small."},
		{Op: "add filter", Ifindex: 4000, Message: "gone"},
		{Op: "add actions", Message: "no\ndevice"},
	}
	for _, tt := range []struct {
		name string
		e    Env
		want string
	}{
		{"text", Env{Tool: ToolXDPLoad}, "warning: lo: add filter: Quantum is small.\nwarning: device with index 4000: add filter: gone\nwarning: add actions: no\\ndevice\n"},
		{"JSON", Env{Tool: ToolXDPLoad, Globals: Globals{Options: render.Options{JSON: true}}}, `{"warning":"lo: add filter: Quantum is small.","kernel_message":"Quantum is small."}
{"warning":"device with index 4000: add filter: gone","kernel_message":"gone"}
{"warning":"add actions: no\ndevice","kernel_message":"no\ndevice"}
`},
		{"ip", Env{Tool: ToolIP}, "Warning: Quantum is small.\nWarning: gone.\nWarning: no\\ndevice.\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			tt.e.Conn, tt.e.Stderr, tt.e.fromKernel = c, &out, warned
			tt.e.PassOn()
			tt.e.PassOn()
			if got := out.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
