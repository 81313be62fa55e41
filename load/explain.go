package load

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/sys"
)

// explain adds what the object says about a rejection to the verifier's last sentence.
func (l *loader) explain(spec *ebpf.ProgramSpec, v *ebpf.VerifierError) *ebpf.VerifierError {
	cause, source := verdict(v.Log)
	better := map[string]string{cause: cause}
	switch {
	case strings.HasPrefix(cause, poison):
		if missing, line := l.unresolved(spec, v.Log); missing != "" {
			better[cause], better["; "+source] = missing, "; "+line
		}
	case strings.Contains(cause, "GPL"):
		better[cause] += "; " + l.license()
	case strings.Contains(cause, "type=map_value expected=map_ptr"):
		better[cause] += `; a map's definition that lacks SEC("maps") or SEC(".maps") is a variable`
	}
	explained := *v
	explained.Log = slices.Clone(v.Log)
	for i, line := range explained.Log {
		if text, ok := better[strings.TrimSpace(line)]; ok {
			explained.Log[i] = text
		}
	}
	return &explained
}

// license says what the object states, where the kernel wants the GPL.
func (l *loader) license() string {
	if text := l.obj.License(); text != "" {
		return fmt.Sprintf("the object's license is %q", text)
	}
	return `the object states no license: it has no char _license[] SEC("license") = "GPL"`
}

// poison is what the verifier says of the call that cilium/ebpf puts in the place of an
// instruction whose CO-RE relocation finds nothing (btf/core.go, COREBadRelocationSentinel).
const poison = "invalid func unknown#195896080"

// unresolved names what the kernel's types do not have, and the line of the source, where the
// verifier's last instruction is the poison; "" if that is not known.
func (l *loader) unresolved(spec *ebpf.ProgramSpec, log []string) (missing, source string) {
	at, ok := lastInstruction(log)
	if !ok {
		return "", ""
	}
	for it := spec.Instructions.Iterate(); it.Next(); {
		if line, ok := it.Ins.Source().(*btf.Line); ok {
			source = fmt.Sprintf("%s @ %s:%d", strings.TrimSpace(line.Line()), filepath.Base(line.FileName()), line.LineNumber())
		}
		if relocation := btf.CORERelocationMetadata(it.Ins); it.Offset == at && relocation != nil {
			if c := l.core[relocation]; c.Type != nil {
				return "CO-RE: the kernel's types have no " + c.Target(), source
			}
			return "CO-RE: the kernel's types have nothing for " + relocation.String(), source
		}
	}
	return "", ""
}

// lastInstruction is the one that the verifier was at: its lines begin with the number.
func lastInstruction(log []string) (at asm.RawInstructionOffset, ok bool) {
	for _, line := range slices.Backward(log) {
		number, text, _ := strings.Cut(line, ": ")
		if n, err := strconv.ParseUint(number, 10, 32); err == nil && strings.HasPrefix(text, "(") {
			return asm.RawInstructionOffset(n), true
		}
	}
	return 0, false
}

// logsPlain reports whether cilium/ebpf would not tell why a plain call is refused: it keeps the
// log of a program that is too much for the verifier, which is EFAULT, to itself, and would
// fail of types that the program does without.
func (l *loader) logsPlain(err error) bool {
	return errors.Is(err, unix.EFAULT) || l.types.refused != nil && !errors.Is(err, unix.EPERM)
}

// logged asks the verifier again, for its log.
func (l *loader) logged(spec *ebpf.ProgramSpec, plain *plainProgram) error {
	log := make([]byte, logSize)
	fd, err := l.verifyPlain(spec, plain, log, ebpf.LogLevelBranch|ebpf.LogLevelStats)
	if err == nil {
		_ = sys.Close(fd)
		return errors.New("the verifier rejects the program, and accepts it when it is asked why")
	}
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		err = errno
	}
	return l.explain(spec, &ebpf.VerifierError{Cause: err, Log: logLines(log)})
}
