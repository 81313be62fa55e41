package convert_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/classic"
	"github.com/xdpload/xdpload/internal/classic/convert"
)

// TestRandom makes filters up, and holds what is made of them to the kernel's
// verdicts as a socket filter.
func TestRandom(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	g := &generator{rand.New(rand.NewPCG(5, 6))}
	count, frames := 400, packets(20)
	if bpftest.InGuest() {
		count = 20
	}
	accepted := 0
	for range count {
		program := g.filter()
		for classic.Check(program) != nil {
			program = g.filter()
		}
		t.Run("", func(t *testing.T) {
			n, err := compareRandom(t, program, frames)
			if err != nil {
				text, _ := classic.Disassemble(program)
				t.Errorf("%v\n%s", err, text)
			}
			accepted += n
		})
	}
	if total := count * len(frames); accepted < total/10 || accepted > total*9/10 {
		t.Errorf("%d of %d packets are accepted", accepted, total)
	}
}

func compareRandom(t *testing.T, program []classic.Instruction, frames [][]byte) (int, error) {
	judges, err := judgesOf(t, fixture{"random", program})
	if err != nil {
		return 0, err
	}
	judges = slices.DeleteFunc(judges, func(j judge) bool {
		return j.name == "x/net/bpf" || j.name == "cbpfc" // which shift and wrap otherwise
	})
	return compare(judges, frames)
}

// filter makes a filter up, which need not be sound.
func (g *generator) filter() []classic.Instruction {
	program := make([]classic.Instruction, 3+g.IntN(20))
	for at := range program {
		i := classic.Instruction{K: pick[uint32](g, 0, 1, 2, 3, 6, 12, 14, 17, 20, 23, 31, 40, 80, 0x800, 0xf0, 1<<31, 1<<32-1, 1<<32-4)}
		i.Code = pick[uint16](g, 0x20, 0x28, 0x30, 0x28, 0x30, 0x40, 0x48, 0x50, 0x00, 0x01, 0x80, 0x81, 0xb1, 0x02, 0x03, 0x60, 0x61, 0x07, 0x87,
			0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac,
			0x05, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x15, 0x25, 0x45, 0x06, 0x16)
		switch {
		case i.Conditional():
			i.JT, i.JF = uint8(g.IntN(4)), uint8(g.IntN(4))
		case i.Class() == classic.JMP:
			i.K = uint32(g.IntN(3))
		case i.Class() == classic.ST, i.Class() == classic.STX, i.Class() <= classic.LDX && i.Mode() == classic.MEM:
			i.K = uint32(g.IntN(3))
		case i.Class() == classic.LDX && i.Mode() == classic.MSH, i.Class() == classic.LD && i.Mode() == classic.ABS:
			i.K &= 0x3f
		}
		program[at] = i
	}
	program[len(program)-1] = pick(g, classic.Instruction{Code: classic.RET | classic.A}, classic.Instruction{Code: classic.RET, K: 1})
	return program
}

// FuzzObject makes an object of any sound filter, or names what cannot be.
func FuzzObject(f *testing.F) {
	for _, x := range fixtures(f) {
		if len(x.program) < 20 {
			f.Add(classic.Format(x.program))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		program, err := classic.ParseNumbers(text)
		if err != nil || classic.Check(program) != nil {
			return
		}
		for _, o := range options {
			image, err := convert.Object(program, o)
			_, named := errors.AsType[*classic.CheckError](err)
			if err != nil && !named && len(program) < 3000 || err == nil && len(image) == 0 {
				t.Errorf("%s: %v: %v", text, o.Hook, err)
			}
		}
	})
}
