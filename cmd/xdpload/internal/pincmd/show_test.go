package pincmd

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
)

// TestShowTree: pins of every kind in their directories, each of which is printed once.
func TestShowTree(t *testing.T) {
	list := ofEveryKind()
	for name, tt := range map[string]struct {
		options render.Options
		want    string
	}{
		"in full": {render.Options{}, `/b
  maps.debug: link iter, the kernel's own
  tc/
    a/
      b/
        p: program xdp id 2 name p tag 00ff
      q: link 99 id 4
      r: permission denied
    globals/
      m: map ringbuf id 1 name m
          used by program id 2 name p tag 00ff, runs at v0 xdp
      n: map hash id 6 name n
      o: map hash id 7 name o uid 0 mode 0600 age 1m1s
          all 2 used by program id 2 name p tag 00ff, runs at v0 xdp
          all 2 used by program id 3 name q tag ff
  zz: link tcx id 3 program id 2
      runs at v0 tcx/ingress
  zzz: link xdp id 5 program id 2 detached: holds nothing any more
`},
		"brief": {render.Options{Brief: true}, `/b
  maps.debug: link iter, the kernel's own
  tc/
    a/
      b/
        p: program xdp id 2 name p tag 00ff
      q: link 99 id 4
      r: permission denied
    globals/
      m: map ringbuf id 1 name m
      n: map hash id 6 name n
      o: map hash id 7 name o uid 0 mode 0600 age 1m1s
  zz: link tcx id 3 program id 2
  zzz: link xdp id 5 program id 2 detached: holds nothing any more
`},
	} {
		t.Run(name, func(t *testing.T) {
			var b render.Text
			list.WriteText(&b, tt.options)
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func ofEveryKind() *pinList {
	entry := func(e pin.Entry) *pinInfo { return newPinInfo(e, nil) }
	used := entry(pin.Entry{Path: "/b/tc/globals/m", Kind: pin.Map, ID: 1, Type: uint32(ebpf.RingBuf), Name: "m"})
	used.Programs = []*userReport{{subject.ProgramReport{ID: 2, Name: "p", Tag: "00ff"}, []subject.Place{{Device: "v0", Hook: "xdp"}}}}
	also := entry(pin.Entry{Path: "/b/tc/globals/n", Kind: pin.Map, ID: 6, Type: uint32(ebpf.Hash), Name: "n"})
	also.Programs = append(used.Programs, &userReport{subject.ProgramReport{ID: 3, Name: "q", Tag: "ff"}, nil})
	last := entry(pin.Entry{Path: "/b/tc/globals/o", Kind: pin.Map, ID: 7, Type: uint32(ebpf.Hash), Name: "o"})
	last.Programs = also.Programs
	last.UID, last.Mode, last.Age = new(uint32), "0600", new(seconds(61))
	link := entry(pin.Entry{Path: "/b/zz", Kind: pin.Link, ID: 3, ProgID: 2, Type: 11})
	link.Hooks = []subject.Place{{Device: "v0", Hook: "tcx/ingress"}}
	severed := entry(pin.Entry{Path: "/b/zzz", Kind: pin.Link, ID: 5, ProgID: 2, Type: 6, Severed: true})
	return &pinList{Root: "/b", Pins: []*pinInfo{
		entry(pin.Entry{Path: "/b/maps.debug", Kind: pin.Link, Type: 4}),
		entry(pin.Entry{Path: "/b/tc/a/b/p", Kind: pin.Program, ID: 2, Type: uint32(ebpf.XDP), Name: "p", Tag: "00ff"}),
		entry(pin.Entry{Path: "/b/tc/a/q", Kind: pin.Link, ID: 4, Type: 99}),
		newPinInfo(pin.Entry{Path: "/b/tc/a/r"}, errors.New("permission denied")),
		used, also, last, link, severed,
	}}
}
