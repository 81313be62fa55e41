package pin

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
)

func TestWalk(t *testing.T) {
	f := newFS(t)
	m := newMap(t)
	p := newProgram(t, m)
	txn := stagePins(t, f)
	must(t, txn.Pin(f.abs("tc/globals/m"), m))
	must(t, txn.Pin(f.abs("d/p"), p))
	must(t, txn.Commit())
	owner, err := ownerOf(p.FD())
	must(t, err)

	var got []Entry
	for e, err := range f.Walk("") {
		must(t, err)
		if strings.HasSuffix(e.Path, ".debug") {
			if e.Kind != Link || e.Type != linkTypeIter {
				t.Errorf("the kernel's own iterator: %+v", e)
			}
			continue
		}
		if age := time.Since(e.Made); e.UID != 0 || e.Mode != 0o600 || age < 0 || age > time.Hour {
			t.Errorf("%s: user %d, mode %v, made at %v", e.Path, e.UID, e.Mode, e.Made)
		}
		e.Mode, e.Made = 0, time.Time{}
		got = append(got, e)
	}
	id := mapID(t, f.abs("tc/globals/m"))
	want := []Entry{
		{Path: f.abs("d/p"), Kind: Program, ID: owner.ID, Type: uint32(ebpf.XDP), Name: "p", Tag: owner.Tag, MapIDs: []uint32{id}},
		{Path: f.abs("tc/globals/m"), Kind: Map, ID: id, Type: uint32(ebpf.Array), Name: "m"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[uint32][]string{owner.ID: {f.abs("d/p")}}, f.Programs()); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	n := 0
	for e, err := range f.Walk(f.abs("tc")) {
		must(t, err)
		n++
		if e.Kind != Map {
			t.Errorf("below tc: %+v", e)
		}
		break
	}
	if n != 1 {
		t.Errorf("%d entries below tc", n)
	}
}

func TestWalkLink(t *testing.T) {
	f := newFS(t)
	p := newProgram(t, newMap(t))
	l, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: loopback, Flags: link.XDPGenericMode})
	must(t, err)
	defer l.Close()
	txn := begin(t, f)
	must(t, txn.Pin(f.abs("l"), l))
	must(t, txn.Commit())
	info, err := l.Info()
	must(t, err)
	e, err := readEntry(f.abs("l"))
	must(t, err)
	owner, err := ownerOf(p.FD())
	must(t, err)
	want := Entry{Path: f.abs("l"), Kind: Link, ID: uint32(info.ID), Type: uint32(info.Type), ProgID: owner.ID}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("link (-want +got):\n%s", diff)
	}
	if got := gc(t, f, GCOptions{}); len(got) > 0 {
		t.Errorf("a link that holds its program is garbage: %v", got)
	}
	must(t, l.Detach())
	if e, err := readEntry(f.abs("l")); err != nil || !e.Severed {
		t.Errorf("detached: %+v, %v", e, err)
	}
	severed := []Garbage{{Path: f.abs("l"), Reason: LinkSevered}}
	for _, dry := range []bool{true, false} {
		if diff := cmp.Diff(severed, gc(t, f, GCOptions{DryRun: dry})); diff != "" {
			t.Errorf("dry run %v (-want +got):\n%s", dry, diff)
		}
	}
	if _, err := os.Lstat(f.abs("l")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still pinned: %v", err)
	}
}

// What cannot be read is told, and does not end the walk.
func TestWalkUnreadable(t *testing.T) {
	f := newFS(t)
	must(t, stagePins(t, f, "a/m", "b/m", "c/m").Commit())
	must(t, os.Symlink("/nowhere", f.abs("link")))
	// A file of another file system under a pin's name is no BPF object.
	other := t.TempDir() + "/file"
	must(t, os.WriteFile(other, nil, 0o600))
	must(t, unix.Mount(other, f.abs("b/m"), "", unix.MS_BIND, ""))
	defer func() { must(t, unix.Unmount(f.abs("b/m"), unix.MNT_DETACH)) }()

	var good, bad []string
	for e, err := range f.Walk("") {
		if strings.HasSuffix(e.Path, ".debug") {
			continue
		}
		if err == nil {
			good = append(good, e.Path)
			continue
		}
		bad = append(bad, e.Path)
		var pathErr *os.PathError
		if !errors.As(err, &pathErr) || pathErr.Path != e.Path {
			t.Errorf("%s: %v", e.Path, err)
		}
	}
	if diff := cmp.Diff([]string{f.abs("a/m"), f.abs("c/m")}, good); diff != "" {
		t.Errorf("readable (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{f.abs("b/m")}, bad); diff != "" {
		t.Errorf("unreadable (-want +got):\n%s", diff)
	}
	for dir, want := range map[string]error{f.abs("none"): os.ErrNotExist, t.TempDir(): ErrNotBPFFS} {
		n := 0
		for e, err := range f.Walk(dir) {
			n++
			if !errors.Is(err, want) || e.Path != "" {
				t.Errorf("%s: entry %+v, %v; want %v", dir, e, err, want)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d entries", dir, n)
		}
	}
}

// The names that a running transaction has staged are not pins yet.
func TestWalkDuringTransaction(t *testing.T) {
	f := newFS(t)
	txn := stagePins(t, f, "m")
	must(t, txn.Publish(t.Context()))
	var paths []string
	for e, err := range f.Walk("") {
		if !strings.HasSuffix(e.Path, ".debug") {
			must(t, err)
			paths = append(paths, e.Path)
		}
	}
	if diff := cmp.Diff([]string{f.abs("m")}, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	must(t, txn.Rollback())
}

func TestKind(t *testing.T) {
	for k, want := range map[Kind]string{Map: "map", Program: "program", Link: "link", 0: "kind 0", 9: "kind 9"} {
		text, err := k.MarshalText()
		if k.String() != want || string(text) != want || err != nil {
			t.Errorf("%d is %q, %q, %v; want %q", uint8(k), k, text, err, want)
		}
	}
}

func BenchmarkPrograms(b *testing.B) {
	f := newFS(b)
	for i := range 100 {
		must(b, newMap(b).Pin(f.abs(fmt.Sprint("m", i))))
	}
	for b.Loop() {
		f.Programs()
	}
}
