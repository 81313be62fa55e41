package sys

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Program is what BPF_PROG_LOAD is asked for. Zero fields ask for nothing.
type Program struct {
	Type       uint32 // BPF_PROG_TYPE_*
	AttachType uint32 // expected_attach_type
	Flags      uint32 // BPF_F_*
	Ifindex    int    // the device that the program is bound to
	Name       string // cut to 15 bytes
	License    string
	Insns      []byte // 8 bytes each, native byte order
	BTF        int    // BTF object's fd, where FuncInfo or LineInfo is set
	FuncInfo   []byte // struct bpf_func_info, 8 bytes each
	LineInfo   []byte // struct bpf_line_info, 16 bytes each
	// Log is where the verifier writes what LogLevel (BPF_LOG_* of
	// include/linux/bpf_verifier.h) has it say, ended by a zero byte.
	Log      []byte
	LogLevel uint32
}

const (
	insnSize     = 8
	funcInfoSize = 8
	lineInfoSize = 16
)

// progLoadAttr is the BPF_PROG_LOAD member of union bpf_attr, up to
// line_info_cnt.
type progLoadAttr struct {
	progType           uint32
	insnCnt            uint32
	insns              pointer
	license            pointer
	logLevel           uint32
	logSize            uint32
	logBuf             pointer
	kernVersion        uint32
	progFlags          uint32
	progName           Name
	progIfindex        uint32
	expectedAttachType uint32
	progBTFFD          uint32
	funcInfoRecSize    uint32
	funcInfo           pointer
	funcInfoCnt        uint32
	lineInfoRecSize    uint32
	lineInfo           pointer
	lineInfoCnt        uint32
	_                  uint32
}

// LoadProgram has the kernel verify and keep a program, with no probe before. It returns a file descriptor that the caller closes, or the
// errno.
func LoadProgram(p *Program) (int, error) {
	attr := progLoadAttr{
		progType:           p.Type,
		insnCnt:            uint32(len(p.Insns) / insnSize),
		insns:              bytesPointer(p.Insns),
		license:            stringPointer(p.License),
		progFlags:          p.Flags,
		progName:           objName(p.Name),
		progIfindex:        uint32(p.Ifindex),
		expectedAttachType: p.AttachType,
	}
	if p.LogLevel != 0 {
		attr.logLevel, attr.logSize, attr.logBuf = p.LogLevel, uint32(len(p.Log)), bytesPointer(p.Log)
	}
	if p.BTF > 0 {
		attr.progBTFFD = uint32(p.BTF)
		attr.funcInfoRecSize, attr.funcInfo, attr.funcInfoCnt = records(p.FuncInfo, funcInfoSize)
		attr.lineInfoRecSize, attr.lineInfo, attr.lineInfoCnt = records(p.LineInfo, lineInfoSize)
	}
	fd, err := bpf(unix.BPF_PROG_LOAD, &attr)
	runtime.KeepAlive(p)
	if err != nil {
		return -1, fmt.Errorf("load program: %w", err)
	}
	return fd, nil
}

func records(b []byte, size int) (recSize uint32, data pointer, count uint32) {
	if len(b) == 0 {
		return 0, pointer{}, 0
	}
	return uint32(size), bytesPointer(b), uint32(len(b) / size)
}
