package sys

import (
	"errors"
	"testing"

	"github.com/xdpload/xdpload/internal/need"
)

// A newer kernel says what is wrong with a map, an older one nothing.
func TestWhyNoMap(t *testing.T) {
	const numaNode = 1 << 2 // BPF_F_NUMA_NODE
	wrong := Map{Type: 2, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: numaNode, NumaNode: 12345}
	need.Of(t, need.Root, need.Feature{Name: "sentences about maps", Since: "7.2", Probe: func() error {
		if WhyNoMap("m", wrong) == "" {
			return errors.New("the kernel says nothing")
		}
		return nil
	}})
	if got, want := WhyNoMap("m", wrong), "Invalid numa_node."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := WhyNoMap("m", Map{Type: 2, KeySize: 4, ValueSize: 4, MaxEntries: 1}); got != "" {
		t.Errorf("%q of a map that can be made", got)
	}
}
