package netns_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/netns"
)

// TestExecuted: what "ip netns exec" runs knows where it is; the test is run again in it.
func TestExecuted(t *testing.T) {
	const asked = "XDPLOAD_TEST_EXECUTED"
	if os.Getenv(asked) != "" {
		fmt.Printf("executed in %q\n", netns.Executed())
		return
	}
	need.Of(t, need.Root, need.Command("ip"))
	name := fmt.Sprintf("executed-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("ip", "netns", "del", name).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}()
	cmd := exec.Command("ip", "netns", "exec", name, os.Args[0], "-test.run", "^TestExecuted$")
	cmd.Env = append(os.Environ(), asked+"=1")
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("executed in %q", name); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("got %s, %v, want %s", out, err, want)
	}
	if got := netns.Executed(); got != "" {
		t.Errorf("outside it is executed in %q", got)
	}
}
