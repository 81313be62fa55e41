package readback

import (
	"slices"
	"testing"

	"github.com/xdpload/xdpload/internal/sys"
)

// FuzzReadback: no panic, and all bytes are told of, each once.
func FuzzReadback(f *testing.F) {
	f.Add([]byte{0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}, []byte{0x31, 0xc0, 0xc3}, uint32(3))
	f.Add([]byte{0x85, 0x10, 0xff, 0x7f, 0, 0, 0, 0}, []byte{0xeb, 0xfe, 0xe8, 0, 0, 0, 0}, uint32(2))
	f.Add([]byte{0x18, 0x41, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, []byte{0xe0, 0x03, 0x1f, 0xaa}, uint32(1<<31))
	f.Fuzz(func(t *testing.T, xlated, jited []byte, first uint32) {
		p := &Program{JITedSize: len(jited), code: &sys.ProgramCode{Xlated: xlated, JITed: jited, FuncLens: []uint32{first, uint32(len(jited)) - first}}}
		p.Functions = p.functionsByCalls("main")
		for i, size := range p.code.FuncLens {
			p.Functions[i].Size, p.Functions[i].Address = int(size), uint64(i)<<63
		}
		names := Names{Symbols: symbolsOf(t, someSymbols), Map: func(uint32) string { return "" }}
		items, err := p.Xlated(names)
		var all []byte
		for _, i := range items {
			all = append(all, i.Bytes...)
		}
		if err == nil && !slices.Equal(all, xlated[:len(xlated)&^7]) {
			t.Errorf("%x became %x", xlated, all)
		}
		machine, err := p.JITed(names)
		all = nil
		for _, m := range machine {
			for _, i := range m.Instructions {
				all = append(all, i.Bytes...)
			}
		}
		if err == nil && !slices.Equal(all, jited[:len(all)]) {
			t.Errorf("%x became %x", jited, all)
		}
	})
}
