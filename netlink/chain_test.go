package netlink

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChainKernel(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	on := Chain{Ifindex: va.Index, Parent: Ingress}
	four := on
	four.Index = 4
	if err := c.AddChain(&four); err != nil {
		t.Fatal(err)
	}
	if err := c.AddChain(&four); !errors.Is(err, os.ErrExist) {
		t.Errorf("again: %v", err)
	}
	want := Chain{Ifindex: va.Index, Parent: Parent(MakeHandle(0xffff, 0)), Index: 4}
	got, err := c.Chain(&four)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var all []Chain
	for ch, err := range c.Chains(&on) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *ch)
	}
	if diff := cmp.Diff([]Chain{want}, all); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := c.DeleteChain(&four); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Chain(&four); err == nil {
		t.Error("a deleted chain is found")
	}
}
