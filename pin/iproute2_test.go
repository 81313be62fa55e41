package pin

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/need"
)

// tc and ip make the tree that we make, and each side reuses the other's map.
func TestSharedWithIproute2(t *testing.T) {
	needRoot(t)
	need.Of(t, need.Command("ip"), need.Command("tc"))
	tool(t, nil, "tc", "qdisc", "add", "dev", "lo", "clsact")
	defer tool(t, nil, "tc", "qdisc", "del", "dev", "lo", "clsact")
	defer tool(t, nil, "ip", "link", "set", "dev", "lo", "xdpgeneric", "off")
	tc := func(f *FS) {
		tool(t, []string{"TC_BPF_MNT=" + f.Root()}, "tc", "filter", "replace", "dev", "lo", "ingress",
			"pref", "1", "handle", "1", "bpf", "da", "obj", "testdata/pinned.o", "sec", "tc")
	}
	xdp := func(f *FS) {
		tool(t, []string{"TC_BPF_MNT=" + f.Root()}, "ip", "-force", "link", "set", "dev", "lo",
			"xdpgeneric", "obj", "testdata/pinned.o", "sec", "xdp")
	}
	path := func(f *FS) string {
		p, err := f.MapPath(Object{Dir: XDP}, "flows", GlobalNS)
		must(t, err)
		return p
	}

	theirs := newFS(t)
	tc(theirs)
	xdp(theirs)
	txn := begin(t, theirs)
	m, err := txn.LoadMap(path(theirs))
	must(t, err)
	defer m.Close()
	must(t, Compatible(path(theirs), flows(t), m))
	must(t, txn.Commit())

	ours := newFS(t)
	txn = begin(t, ours)
	must(t, txn.Pin(path(ours), newMapOf(t, flows(t))))
	must(t, txn.Commit())
	id := mapID(t, path(ours))
	if diff := cmp.Diff(tree(t, theirs.Root()), tree(t, ours.Root())); diff != "" {
		t.Errorf("trees (-iproute2 +ours):\n%s", diff)
	}

	tc(ours)
	xdp(ours)
	if got := mapID(t, path(ours)); got != id {
		t.Errorf("the map is %d after tc and ip, was %d", got, id)
	}
	used, err := usedMaps()
	must(t, err)
	if !used[id] {
		t.Errorf("tc and ip do not use map %d", id)
	}
	for _, alias := range aliases {
		target, err := os.Readlink(ours.abs(string(alias)))
		if want := ours.abs("tc") + "/"; target != want || err != nil {
			t.Errorf("%s leads to %q, %v; want %q", alias, target, err, want)
		}
	}
}
