package bpftest

import (
	"os"
	"testing"

	"github.com/xdpload/xdpload/internal/peers"
)

// NewestPeers is the need for the newest releases of the programs that ours is
// compared with.
var NewestPeers = Feature{Name: "the newest ip, tc and bpftool", Probe: func() error {
	_, err := peers.Bin()
	return err
}}

// EachPeer runs a test with those programs of the machine that it names, and
// with their newest releases. Either way it finds them by PATH. An emulated guest,
// where each start of a program takes long, asks the newest alone if it has them.
func EachPeer(t *testing.T, test func(t *testing.T, newest bool), names ...string) {
	if !InGuest() || NewestPeers.Probe() != nil {
		t.Run("machine", func(t *testing.T) {
			for _, name := range names {
				Need(t, Command(name))
			}
			test(t, false)
		})
	}
	t.Run("newest", func(t *testing.T) {
		UseNewestPeers(t)
		test(t, true)
	})
}

// UseNewestPeers has PATH lead to the newest peers until the test ends.
func UseNewestPeers(t testing.TB) {
	Need(t, NewestPeers)
	dir, err := peers.Bin()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}
