package netlink

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/need"
)

func TestQdiscKernel(t *testing.T) {
	c := inNetNS(t)
	va := addVeth(t, c)
	blocks := Clsact(va.Index)
	blocks.IngressBlock, blocks.EgressBlock = 7, 8
	for _, s := range []struct {
		name    string
		do      func(*Qdisc) error
		q       *Qdisc
		is      error
		errno   syscall.Errno
		message string
	}{
		{
			name: "change nothing", do: c.ChangeQdisc, q: Clsact(va.Index), is: os.ErrNotExist, errno: syscall.ENOENT,
			message: "Qdisc not found. To create specify NLM_F_CREATE flag",
		},
		{name: "delete nothing", do: c.DeleteQdisc, q: Clsact(va.Index), errno: syscall.EINVAL, message: "Invalid handle"},
		{name: "add", do: c.AddQdisc, q: blocks},
		{name: "add again", do: c.AddQdisc, q: blocks, is: os.ErrExist, errno: syscall.EEXIST, message: "Exclusivity flag on, cannot modify"},
		{name: "add ingress", do: c.AddQdisc, q: IngressQdisc(va.Index), is: os.ErrExist, errno: syscall.EEXIST, message: "Exclusivity flag on, cannot modify"},
		{name: "replace", do: c.ReplaceQdisc, q: Clsact(va.Index)},
		{name: "replace by ingress", do: c.ReplaceQdisc, q: IngressQdisc(va.Index), errno: syscall.EINVAL, message: "Invalid qdisc name"},
	} {
		checkError(t, s.name, s.do(s.q), s.is, s.errno, s.message)
	}
	var got, want []string
	for q, err := range c.Qdiscs(va.Index) {
		if err != nil {
			t.Fatal(err)
		}
		if q.Stats == nil || q.Refs == 0 {
			t.Errorf("got %+v", q)
		}
		got = append(got, fmt.Sprintln(q.Kind, q.Parent == HandleRoot, q.IngressBlock, q.EgressBlock))
	}
	want = []string{fmt.Sprintln("noqueue", true, 0, 0), fmt.Sprintln("clsact", false, 7, 8)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if q, err := c.Qdisc(va.Index, HandleClsact); err != nil || q.Kind != "clsact" || q.EgressBlock != 8 {
		t.Errorf("got %+v, %v", q, err)
	}
	if err := c.DeleteQdisc(Clsact(va.Index)); err != nil {
		t.Error(err)
	}
	if q, err := c.Qdisc(va.Index, HandleClsact); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("deleted: got %+v, %v", q, err)
	}
}

func TestQdiscsAgainstTC(t *testing.T) {
	c := inNetNS(t)
	need.Of(t, need.Command("tc"))
	const tc = "tc"
	clsact(t, c)
	type qdisc struct {
		Kind   string
		Handle string
		Parent *Handle
		Bytes  uint64
		Drops  uint32
	}
	var want, got []qdisc
	if err := json.Unmarshal(run(t, tc, "-j", "-s", "qdisc", "show"), &want); err != nil {
		t.Fatal(err)
	}
	for q, err := range c.Qdiscs(0) {
		if err != nil {
			t.Fatal(err)
		}
		j := qdisc{Kind: q.Kind, Handle: q.Handle.String(), Parent: &q.Parent, Bytes: q.Stats.Bytes, Drops: q.Stats.Drops}
		if q.Handle == 0 {
			j.Handle = "0:" // as qdiscs have it
		}
		if q.Parent == HandleRoot {
			j.Parent = nil
		}
		got = append(got, j)
	}
	if diff := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Bytes" }, cmp.Ignore())); diff != "" {
		t.Errorf("-tc +ours:\n%s", diff)
	}
}
