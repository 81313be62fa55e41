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
	at, text := lastInstruction(v.Log)
	switch {
	case hasPrefix(cause, poisonCalls), strings.HasPrefix(text, poisonLoad):
		if missing, line := l.unresolved(spec, at); missing != "" {
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

// poisonCalls and poisonLoad are what the verifier says of what cilium/ebpf puts in the place of
// an instruction for which the kernel has nothing: whose CO-RE relocation finds nothing (btf/core.go,
// COREBadRelocationSentinel), or that calls a weak function (linker.go, kfuncCallPoisonBase).
var poisonCalls = []string{"invalid func unknown#195896080", "invalid func unknown#233685214"}

const poisonLoad = "(18) r10 = 0xbad2310"

// unresolved names what the kernel does not have, where an instruction is poisoned, and the line
// of the source; "" if that is not known.
func (l *loader) unresolved(spec *ebpf.ProgramSpec, at asm.RawInstructionOffset) (missing, source string) {
	for it := spec.Instructions.Iterate(); it.Next(); {
		if line, ok := it.Ins.Source().(*btf.Line); ok {
			source = fmt.Sprintf("%s @ %s:%d", strings.TrimSpace(line.Line()), filepath.Base(line.FileName()), line.LineNumber())
		}
		if it.Offset != at {
			continue
		}
		if relocation := btf.CORERelocationMetadata(it.Ins); relocation != nil {
			if c := l.core[relocation]; c.Type != nil {
				return "CO-RE: the kernel's types have no " + c.Target(), source
			}
			return "CO-RE: the kernel's types have nothing for " + relocation.String(), source
		}
		if it.Ins.IsKfuncCall() && it.Ins.Reference() != "" {
			return absentFunction(it.Ins.Reference()) + ", and the program calls it without a look whether it is there", source
		}
	}
	return "", ""
}

// absentFunction says so.
func absentFunction(name string) string {
	return fmt.Sprintf("function %s of the kernel: neither this kernel nor a module that is loaded has it", name)
}

// lastInstruction is the one that the verifier was at, and how it prints it: its lines begin with the
// number. It is "" if there is none.
func lastInstruction(log []string) (at asm.RawInstructionOffset, text string) {
	for _, line := range slices.Backward(log) {
		number, text, _ := strings.Cut(line, ": ")
		if n, err := strconv.ParseUint(number, 10, 32); err == nil && strings.HasPrefix(text, "(") {
			return asm.RawInstructionOffset(n), text
		}
	}
	return 0, ""
}

// logsPlain reports whether cilium/ebpf would not tell why a plain call is refused: it keeps the
// log of a program that is too much for the verifier, which is EFAULT, to itself, and would
// fail of types that the program does without.
func (l *loader) logsPlain(err error) bool {
	return errors.Is(err, unix.EFAULT) || l.types.refused != nil && !errors.Is(err, unix.EPERM)
}

// Cut stands for the beginning of a verifier's log that was too long.
const Cut = "…"

// overlong explains the refusal of a program that is too much for the verifier, whose log may be
// longer than any other: by the end of it, which Linux 6.4 keeps, with a single call. It is nil for
// other refusals, and where the end is not told.
func (l *loader) overlong(spec *ebpf.ProgramSpec, plain *plainProgram, err error) error {
	if l.options.Verbose || !errors.Is(err, unix.E2BIG) {
		return nil
	}
	log := make([]byte, logSize)
	fd, err := l.verifyPlain(spec, plain, log, ebpf.LogLevelBranch|ebpf.LogLevelStats)
	if err == nil {
		_ = sys.Close(fd)
		return nil
	}
	lines := logLines(log)
	if _, _, ended := splitLog(lines); len(ended) == 0 || silent(lines) {
		return nil
	}
	if errors.Is(err, unix.ENOSPC) {
		lines[0] = Cut
	}
	return l.explain(spec, &ebpf.VerifierError{Cause: unix.E2BIG, Log: lines})
}

// logRoom is how much cilium/ebpf shall give the log of a program that is refused so.
func logRoom(refused error) uint32 {
	if errors.Is(refused, unix.E2BIG) {
		return 16 * logSize
	}
	return logSize
}

// logged asks the verifier again, for its log. The number is that of the refusal: of a log that
// is longer than the room for it, which has the end, it would be ENOSPC.
func (l *loader) logged(spec *ebpf.ProgramSpec, plain *plainProgram, refused error) error {
	log := make([]byte, logSize)
	fd, err := l.verifyPlain(spec, plain, log, ebpf.LogLevelBranch|ebpf.LogLevelStats)
	if err == nil {
		_ = sys.Close(fd)
		return errors.New("the verifier rejects the program, and accepts it when it is asked why")
	}
	if errno, ok := errors.AsType[unix.Errno](refused); ok {
		refused = errno
	}
	return l.explain(spec, &ebpf.VerifierError{Cause: refused, Log: logLines(log)})
}
