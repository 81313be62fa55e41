package pin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseDatabase(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in       string
		want     map[Pinning]string
		warnings []string
		err      string
	}{
		{name: "empty"},
		{name: "iproute2's own", in: "#\n# subpath mappings from mount point for pinning\n#\n#3\ttracing\n#4\tfoo/bar\n"},
		{name: "bases", in: "10 a\n0x10 b\n010 c\n", want: map[Pinning]string{10: "a", 16: "b", 8: "c"}},
		{name: "comment tails", in: " 4  foo/bar # x y\n\n5 x #\n", want: map[Pinning]string{4: "foo/bar", 5: "x"}},
		{name: "later holds", in: "4 a\n4 b\n", want: map[Pinning]string{4: "b"}},
		{name: "slashes", in: "4 a//b/\n", want: map[Pinning]string{4: "a/b"}},
		{
			name: "reserved", in: "2 x\n3 y\n0 z\n", want: map[Pinning]string{3: "y"},
			warnings: []string{"F:1: number 2 is reserved, entry ignored", "F:3: number 0 is reserved, entry ignored"},
		},
		{name: "junk", in: "3 ok\n# fine\njunk line\n", err: `F:3: "junk line" is not an entry, expected NUMBER SUBPATH`},
		{name: "no path", in: "3\n", err: `F:1: "3" is not an entry`},
		{name: "comment for a path", in: "3 # x\n", err: `F:1: "3 # x" is not an entry`},
		{name: "two paths", in: "3 a b\n", err: `F:1: "3 a b" is not an entry`},
		{name: "negative", in: "-3 a\n", err: `F:1:`},
		{name: "too large", in: "4294967296 a\n", err: `F:1:`},
		{name: "absolute", in: "\n3 /etc\n", err: `F:2: subpath "/etc" is not below`},
		{name: "climbs out", in: "3 a/../..\n", err: `F:1: subpath "a/../.." is not below`},
		{name: "dot", in: "3 a.b\n", err: `F:1: subpath "a.b"`},
		{name: "long line", in: "3 a\n4 " + strings.Repeat("x", 1<<17), err: "F:2: bufio.Scanner: token too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := ParseDatabase("F", strings.NewReader(tt.in))
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("error is %v, want %s", err, tt.err)
				}
				return
			}
			must(t, err)
			if tt.want == nil {
				tt.want = map[Pinning]string{}
			}
			if diff := cmp.Diff(tt.want, d.subpaths); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.warnings, d.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadDatabase(t *testing.T) {
	dir := t.TempDir()
	etc, share := filepath.Join(dir, "etc"), filepath.Join(dir, "share")
	d, err := ReadDatabase(etc, share)
	must(t, err)
	if _, err := d.Subpath(99); err == nil || !strings.Contains(err.Error(), etc+" and "+share) {
		t.Errorf("no file: %v", err)
	}
	must(t, os.WriteFile(share, []byte("99 shared\n"), 0o600))
	d, err = ReadDatabase(etc, share)
	must(t, err)
	if got, err := d.Subpath(99); got != "shared" || err != nil {
		t.Errorf("second file only: %q, %v", got, err)
	}
	must(t, os.WriteFile(etc, []byte("99 own\n"), 0o600))
	d, err = ReadDatabase(etc, share)
	must(t, err)
	if got, err := d.Subpath(99); got != "own" || err != nil {
		t.Errorf("both files: %q, %v", got, err)
	}
	if _, err := d.Subpath(98); err == nil || !strings.Contains(err.Error(), "98") || !strings.Contains(err.Error(), etc) {
		t.Errorf("unknown number: %v", err)
	}
	if _, err := ReadDatabase(dir); err == nil {
		t.Error("a directory: no error")
	}
}

// What is accepted never leads out of the file system, and says so again when
// it is written out and read back.
func FuzzParseDatabase(f *testing.F) {
	f.Add("4 foo/bar\n0x63 hexsub # c\n2 x\njunk\n")
	f.Add("3 a/../b\n3 ..\n")
	f.Add("7 ./#")
	f.Fuzz(func(t *testing.T, in string) {
		d, err := ParseDatabase("F", strings.NewReader(in))
		if err != nil {
			return
		}
		var out strings.Builder
		for p, sub := range d.subpaths {
			if p <= GlobalNS || !filepath.IsLocal(sub) {
				t.Fatalf("%d leads to %q", p, sub)
			}
			fmt.Fprintf(&out, "%d ./%s\n", p, sub)
		}
		again, err := ParseDatabase("F", strings.NewReader(out.String()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d.subpaths, again.subpaths); diff != "" {
			t.Errorf("read back (-first +second):\n%s", diff)
		}
	})
}
