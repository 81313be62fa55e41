package netlink

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPoliceTicks(t *testing.T) {
	if got := ticks(5e9, 102400); got != 320 {
		t.Errorf("100 KiB at 40 Gbit/s: %d ticks, want 320 (20.48 us)", got)
	}
	for _, rate := range []uint64{1, 125000, 1 << 32, 1 << 40} {
		for _, n := range []uint64{0, 1, 1500, 1 << 20} {
			got := units(rate, ticks(rate, n))
			if step := rate/ticksPerSecond + 1; got < n || got > n+step {
				t.Errorf("%d at %d/s is read back as %d", n, rate, got)
			}
		}
	}
	if ticks(0, 9) != 0 || units(0, 9) != 0 || ticks(1, 1<<63) != 1<<64-1 || units(1<<63, 1<<63) != 1<<64-1 {
		t.Error("the ends of the range")
	}
}

func TestPoliceWideRate(t *testing.T) {
	p := &Police{Rate: 5e9, Burst: 102400, PeakRate: 6e9, MTU: 1500, Exceed: VerdictDrop, LinkLayer: Ethernet}
	var e encoder
	p.encode(&e)
	var got Police
	d := newDecoder(e.b)
	if err := got.decode(d); err != nil || d.err != nil {
		t.Fatal(err, d.err)
	}
	if diff := cmp.Diff(p, &got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestPoliceShortMTU: an index of the rate table is never a packet's length
// itself, which the kernel would refuse.
func TestPoliceShortMTU(t *testing.T) {
	for mtu, want := range map[uint32]uint8{1: 1, 255: 1, 256: 1, 1500: 3, 0: 3, 65535: 8} {
		if got := (&Police{MTU: mtu}).cellLog(); got != want {
			t.Errorf("MTU %d: cell_log %d, want %d", mtu, got, want)
		}
	}
}
