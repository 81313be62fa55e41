package render

import (
	"fmt"
	"testing"
)

type hexed uint8

func (h hexed) String() string { return fmt.Sprintf("%#x", uint8(h)) }

type series []int

func (s series) String() string { return fmt.Sprintf("%d numbers", len(s)) }

type state struct {
	MTU   int  `always:" mtu %d"`
	Group *int `text:" group %d"`
}

// The fields of a struct are written by their tags alone, and in their order.
func TestFields(t *testing.T) {
	type inner struct {
		*state
		hidden int
	}
	type row struct {
		Name string `text:" name %s"`
		_    int    `always:" of"`
		Up   bool   `text:" up"`
		On   *int   `text:" on"`
		ID   hexed  `text:" id %v"`
		Kind *hexed `text:" kind %v"`
		inner
		Paths []string `text:" at %s"`
		All   series   `text:" all %v"`
		Other int
	}
	zero, one, two := 0, 1, hexed(2)
	for _, tt := range []struct {
		row  row
		want string
	}{
		{row{}, "of"},
		{row{On: &zero, Other: 7}, "of"},
		{row{On: &one, Up: true}, "of up on"},
		{row{Name: "a\nb", ID: 16, Kind: &two}, `name a\nb of id 0x10 kind 0x2`},
		{row{inner: inner{&state{}, 1}}, "of mtu 0"},
		{row{inner: inner{&state{1500, &zero}, 1}}, "of mtu 1500 group 0"},
		{row{Paths: []string{"/a", "/b"}, All: series{1, 2}}, "of at /a at /b all 2 numbers"},
	} {
		if got := Fields(&tt.row); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
