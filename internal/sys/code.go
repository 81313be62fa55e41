package sys

import (
	"fmt"
	"runtime"
	"unsafe"
)

// ProgramCode is what the kernel made of a program. Code is nil where the kernel
// hides it; the sizes are told nevertheless, unless the caller lacks CAP_BPF
// (kernel/bpf/syscall.c, bpf_prog_get_info_by_fd).
type ProgramCode struct {
	XlatedSize, JITedSize int // bytes

	Xlated   []byte   // instructions after the verifier's rewriting, native byte order
	JITed    []byte   // machine code of all functions, one after the other
	Ksyms    []uint64 // the kernel addresses of the functions
	FuncLens []uint32 // their sizes in bytes

	BTF        uint32   // BTF object's id that the records are about, 0 without
	FuncInfo   []byte   // struct bpf_func_info, 8 bytes each, a record for each function
	LineInfo   []byte   // struct bpf_line_info, 16 bytes each
	JITedLines []uint64 // the kernel address where each record of LineInfo begins
}

// CodeOfProgram asks for a program's code through its file descriptor.
func CodeOfProgram(fd int) (*ProgramCode, error) {
	var sizes progInfo
	if err := objInfo(fd, &sizes); err != nil {
		return nil, fmt.Errorf("program info: %w", err)
	}
	out := &ProgramCode{XlatedSize: int(sizes.XlatedSize), JITedSize: int(sizes.JITedSize), BTF: sizes.BTF}
	// By itself: the kernel tells nothing else when it hides the instructions of
	// a program whose constants are blinded.
	if err := out.readXlated(fd); err != nil {
		return nil, fmt.Errorf("rewritten instructions: %w", err)
	}
	if err := out.readRest(fd, &sizes); err != nil {
		return nil, fmt.Errorf("machine code: %w", err)
	}
	return out, nil
}

func (c *ProgramCode) readXlated(fd int) error {
	if c.XlatedSize == 0 {
		return nil
	}
	buf := make([]byte, c.XlatedSize)
	var raw progInfo
	raw.XlatedSize, raw.xlatedProgInsns = uint32(len(buf)), bytesPointer(buf)
	err := objInfo(fd, &raw)
	runtime.KeepAlive(buf)
	if err == nil && !raw.xlatedProgInsns.isNil() {
		c.Xlated = buf
	}
	return err
}

func (c *ProgramCode) readRest(fd int, sizes *progInfo) error {
	var (
		raw   progInfo
		code  = make([]byte, sizes.JITedSize)
		ksyms = make([]uint64, sizes.nrJitedKsyms)
		lens  = make([]uint32, sizes.nrJitedFuncLens)
		funcs = make([]byte, funcInfoSize*sizes.nrFuncInfo)
		lines = make([]byte, lineInfoSize*sizes.nrLineInfo)
		jited = make([]uint64, sizes.nrJitedLineInfo)
	)
	raw.JITedSize, raw.jitedProgInsns = uint32(len(code)), slicePointer(code)
	raw.nrJitedKsyms, raw.jitedKsyms = uint32(len(ksyms)), slicePointer(ksyms)
	raw.nrJitedFuncLens, raw.jitedFuncLens = uint32(len(lens)), slicePointer(lens)
	raw.nrFuncInfo, raw.funcInfo, raw.funcInfoRecSize = sizes.nrFuncInfo, slicePointer(funcs), funcInfoSize
	raw.nrLineInfo, raw.lineInfo, raw.lineInfoRecSize = sizes.nrLineInfo, slicePointer(lines), lineInfoSize
	raw.nrJitedLineInfo, raw.jitedLineInfo, raw.jitedLineInfoRecSize = uint32(len(jited)), slicePointer(jited), 8
	err := objInfo(fd, &raw)
	runtime.KeepAlive([]any{code, ksyms, lens, funcs, lines, jited})
	if err != nil {
		return err
	}
	c.FuncInfo, c.LineInfo = funcs, lines
	if len(code) > 0 && !raw.jitedProgInsns.isNil() {
		c.JITed = code
	}
	if !raw.jitedKsyms.isNil() {
		c.Ksyms = ksyms
	}
	if !raw.jitedFuncLens.isNil() {
		c.FuncLens = lens
	}
	if !raw.jitedLineInfo.isNil() {
		c.JITedLines = jited
	}
	return nil
}

// slicePointer is nil for an empty slice, for which the kernel must not be given an address.
func slicePointer[T any](s []T) pointer {
	if len(s) == 0 {
		return pointer{}
	}
	return pointer{p: unsafe.Pointer(unsafe.SliceData(s))}
}

// isNil tells that the kernel cleared the address: it did not write there.
func (p pointer) isNil() bool { return p.p == nil }
