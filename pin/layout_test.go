package pin

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	var pathErr *os.PathError
	if !errors.Is(err, ErrNotBPFFS) || !errors.As(err, &pathErr) || pathErr.Path != dir {
		t.Errorf("another file system: %v", err)
	}
	if _, err := Open(dir + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	f := newFS(t)
	must(t, os.Mkdir(f.abs("sub"), 0o700))
	sub, err := Open(f.abs("sub"))
	must(t, err)
	if sub.Root() != f.abs("sub") {
		t.Errorf("root is %s", sub.Root())
	}
}

func TestMapPath(t *testing.T) {
	f := newFS(t)
	db, err := ParseDatabase("db", strings.NewReader("4 foo/bar\n0x63 hexsub # nothing\n5 tc/cls1\n6 .\n7 tc/../up\n"))
	must(t, err)
	o := Object{SHA1: [20]byte{0xab, 19: 0x01}, Database: db}
	for _, tt := range []struct {
		name string
		dir  Dir
		of   string
		p    Pinning
		want string // below the root
	}{
		{name: "object", of: "m", p: ObjectNS, want: "/tc/ab00000000000000000000000000000000000001/m"},
		{name: "global", of: "m", p: GlobalNS, want: "/tc/globals/m"},
		{name: "global of XDP", dir: XDP, of: "m", p: GlobalNS, want: "/tc/globals/m"},
		{name: "custom", of: "m", p: 4, want: "/foo/bar/m"},
		{name: "custom, hexadecimal", dir: IP, of: "m", p: 99, want: "/hexsub/m"},
		{name: "custom in tc", of: "m", p: 5, want: "/tc/cls1/m"},
		{name: "custom in the root", of: "m", p: 6, want: "/m"},
		{name: "custom, climbs inside", of: "m", p: 7, want: "/up/m"},
		{name: "dots", of: ".data.x", p: GlobalNS, want: "/tc/globals/_data_x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o.Dir = tt.dir
			got, err := f.MapPath(o, tt.of, tt.p)
			if err != nil || got != f.Root()+tt.want {
				t.Errorf("got %s, %v; want %s", got, err, f.Root()+tt.want)
			}
		})
	}
	if got, err := f.MapPath(o, "m", None); got != "" || err != nil {
		t.Errorf("None: %q, %v", got, err)
	}
	for _, db := range []*Database{nil, db} {
		_, err := f.MapPath(Object{Database: db}, "m", 98)
		if err == nil || !strings.Contains(err.Error(), "map m: pinning 98") {
			t.Errorf("unknown number: %v", err)
		}
	}
}

// Where an old iproute2 made a directory, there are the pins.
func TestMapPathOwnDirectory(t *testing.T) {
	f := newFS(t)
	must(t, os.Mkdir(f.abs("xdp"), 0o700))
	got, err := f.MapPath(Object{Dir: XDP}, "m", GlobalNS)
	must(t, err)
	if want := f.abs("xdp/globals/m"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	must(t, stagePins(t, f, "xdp/globals/m").Commit())
	want := []string{
		"/ip Lrwxrwxrwx -> /tc/", "/tc drwx------", "/tc/globals drwx------",
		"/xdp drwx------", "/xdp/globals drwx------", "/xdp/globals/m -rw-------",
	}
	if diff := cmp.Diff(want, tree(t, f.Root())); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestPath(t *testing.T) {
	f := newFS(t)
	for in, want := range map[string]string{
		"m:globals/xp": f.abs("tc/globals/xp"),
		"/some/where":  "/some/where",
		"m/x":          "m/x",
	} {
		if got := f.Path(XDP, in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// A path through a link that iproute2 made is the path that it leads to.
func TestPinThroughAlias(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "xdp/globals/m").Commit())
	if mapID(t, f.abs("tc/globals/m")) != mapID(t, f.abs("ip/globals/m")) {
		t.Error("tc and ip lead to different maps")
	}
}

func TestRemove(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "d/m").Commit())
	must(t, f.Remove(f.abs("d/m")))
	if err := f.Remove(f.abs("d/m")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("twice: %v", err)
	}
	if err := f.Remove(f.abs("d")); !errors.Is(err, unix.EISDIR) {
		t.Errorf("directory: %v", err)
	}
	if err := f.Remove("/etc/passwd"); err == nil || !strings.Contains(err.Error(), "not below") {
		t.Errorf("outside: %v", err)
	}
}
