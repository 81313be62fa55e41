// Package readback says what the kernel made of a program: its instructions
// after the verifier's rewriting, and the machine code that the JIT compiler made
// of those, with the names of functions, maps and kernel symbols, and with the
// lines of the source where the program has BTF.
package readback

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/insn"
	"github.com/xdpload/xdpload/internal/sys"
)

// Program is the code of a loaded program.
type Program struct {
	XlatedSize, JITedSize int // bytes, 0 when it is not told or there is none
	Functions             []Function

	code  *sys.ProgramCode
	lines map[uint64][]elf.Line // by offset in the rewritten instructions
	addrs map[uint64][]elf.Line // by address in the machine code
}

// Function is a function of a program; the first one is the program itself.
type Function struct {
	Name    string
	Offset  uint64 // of its first instruction, bytes
	Address uint64 // of its machine code, 0 when it is not told
	Size    int    // of its machine code, bytes
}

// HiddenError says that the kernel does not show code to this process.
type HiddenError struct{ What string }

func (e *HiddenError) Error() string { return "the kernel hides the " + e.What }

// ErrNotJITed says that the kernel interprets the program.
var ErrNotJITed = errors.New("there is no machine code: the kernel interprets the program")

// Read reads the code of a program by its file descriptor. Name is what its first function is
// called when it has no BTF. Types that cannot be read, because the process may not, are left out.
func Read(fd int, name string) (*Program, error) {
	code, err := sys.CodeOfProgram(fd)
	if err != nil {
		return nil, err
	}
	p := &Program{XlatedSize: code.XlatedSize, JITedSize: code.JITedSize, code: code}
	p.Functions = p.functionsByCalls(name)
	if code.BTF != 0 {
		if err := p.readTypes(); err != nil && !errors.Is(err, btf.ErrNotFound) && !errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("BTF id %d: %w", code.BTF, err)
		}
	}
	for i := range p.Functions {
		f := &p.Functions[i]
		if i < len(code.Ksyms) {
			f.Address = code.Ksyms[i]
		}
		if i < len(code.FuncLens) {
			f.Size = int(code.FuncLens[i])
		}
	}
	return p, nil
}

// functionsByCalls finds functions by what calls them: a program without BTF has no
// other record of them.
func (p *Program) functionsByCalls(name string) []Function {
	starts := []uint64{0}
	for at, i := range insn.All(p.code.Xlated, binary.NativeEndian) {
		if to, ok := callee(i, at); ok {
			starts = append(starts, to)
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	out := make([]Function, max(len(starts), len(p.code.FuncLens)))
	for n := range out {
		out[n].Name = fmt.Sprintf("subprog%d", n)
		if n < len(starts) {
			out[n].Offset = starts[n]
		}
	}
	out[0].Name = name
	return out
}

// callee returns the offset of the function that an instruction calls or takes the address of.
// After the rewriting a call has the distance in off (kernel/bpf/verifier.c, jit_subprogs).
func callee(i insn.Instruction, at uint64) (uint64, bool) {
	var slots int64
	switch {
	case i.Op == insn.Call && i.Src == insn.CallLocal:
		slots = int64(i.Off)
	case i.Op == insn.LoadImm64 && i.Src == insn.LoadFunction:
		slots = int64(i.Imm)
	default:
		return 0, false
	}
	return uint64(int64(at) + (slots+1)*insn.Size), true
}

// readTypes takes names and lines from the program's BTF.
func (p *Program) readTypes() error {
	handle, err := btf.NewHandleFromID(btf.ID(p.code.BTF))
	if err != nil {
		return err
	}
	defer handle.Close()
	spec, err := handle.Spec(nil)
	if err != nil {
		return err
	}
	if err := p.readFunctions(spec); err != nil {
		return err
	}
	return p.readLines(spec)
}

func (p *Program) readFunctions(spec *btf.Spec) error {
	count := len(p.code.FuncInfo) / int(btf.FuncInfoSize)
	if count == 0 {
		return nil
	}
	infos, err := btf.LoadFuncInfos(bytes.NewReader(p.code.FuncInfo), binary.NativeEndian, uint32(count), spec)
	if err != nil {
		return err
	}
	p.Functions = make([]Function, len(infos))
	for i, f := range infos {
		p.Functions[i] = Function{Name: f.Func.Name, Offset: uint64(f.Offset) * insn.Size}
	}
	return nil
}

func (p *Program) readLines(spec *btf.Spec) error {
	count := len(p.code.LineInfo) / int(btf.LineInfoSize)
	if count == 0 {
		return nil
	}
	infos, err := btf.LoadLineInfos(bytes.NewReader(p.code.LineInfo), binary.NativeEndian, uint32(count), spec)
	if err != nil {
		return err
	}
	p.lines, p.addrs = make(map[uint64][]elf.Line), make(map[uint64][]elf.Line)
	for n, l := range infos {
		at := uint64(l.Offset) * insn.Size
		line := elf.Line{Offset: at, File: l.Line.FileName(), Line: int(l.Line.LineNumber()), Column: int(l.Line.LineColumn()), Text: strings.TrimSpace(l.Line.Line())}
		p.lines[at] = append(p.lines[at], line)
		if n < len(p.code.JITedLines) {
			address := p.code.JITedLines[n]
			p.addrs[address] = append(p.addrs[address], line)
		}
	}
	return nil
}
