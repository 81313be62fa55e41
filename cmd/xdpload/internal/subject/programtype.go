package subject

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
)

// packetTypes are the types of programs that run on packets, by the names that their
// sections have, and by the words of iproute2. Of several that a word is short for, the
// first is meant.
var packetTypes = [...]struct {
	name string
	typ  ebpf.ProgramType
}{
	{"xdp", ebpf.XDP},
	{"tc", ebpf.SchedCLS},
	{"cls", ebpf.SchedCLS},
	{"action", ebpf.SchedACT},
	{"act", ebpf.SchedACT},
	{"socket", ebpf.SocketFilter},
	{"cgroup_skb", ebpf.CGroupSKB},
	{"lwt_in", ebpf.LWTIn},
	{"lwt_out", ebpf.LWTOut},
	{"lwt_xmit", ebpf.LWTXmit},
	{"lwt_seg6local", ebpf.LWTSeg6Local},
}

func packetTypeNames() []string {
	var names []string
	for _, t := range packetTypes {
		names = append(names, t.name)
	}
	return names
}

// packetType reads a name, which may be shortened as keywords may.
func packetType(name string) (ebpf.ProgramType, error) {
	for _, t := range packetTypes { // none begins with one of another type
		if strings.HasPrefix(t.name, name) {
			return t.typ, nil
		}
	}
	return 0, fmt.Errorf("no type of program; the types are %s", strings.Join(packetTypeNames(), ", "))
}

// typeWord is the word for a type.
func typeWord(typ ebpf.ProgramType) string {
	for _, t := range packetTypes {
		if t.typ == typ {
			return t.name
		}
	}
	return kernelname.Program(typ)
}

// TypeGrammar is the word type.
func TypeGrammar(t *ebpf.ProgramType, help string) *grammar.Node {
	return grammar.Key("type", "TYPE", grammar.Convert(t, packetType)).Choices(packetTypeNames()...).Help(help)
}

// TypeHints are the ways out for a program that was not made for the hook.
func TypeHints(x *elf.TypeError) []string {
	if !x.Mild {
		return nil
	}
	return []string{"type " + typeWord(x.Want) + " loads it all the same"}
}

// CheckType refuses a type that the hook does not run.
func (r *ProgramRequest) CheckType(want ebpf.ProgramType) error {
	if r.As == ebpf.UnspecifiedProgram || want == ebpf.UnspecifiedProgram || r.As == want {
		return nil
	}
	return &env.ObjectError{Object: r.Name(), Err: fmt.Errorf("type %s, where type %s runs", typeWord(r.As), typeWord(want))}
}
