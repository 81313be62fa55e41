package netlink

import (
	"strings"
	"testing"
)

// TestExplainBytecode reads the explanation of what the kernel refuses.
func TestExplainBytecode(t *testing.T) {
	c := inNetNS(t)
	va := clsact(t, c)
	for _, tt := range []struct {
		bytecode, want string
	}{
		{"1,255 0 0 0", "no instruction has this code"},
		{"2,5 0 0 7,6 0 0 0", "jumps to 8 of 2 instructions"},
		{"2,52 0 0 0,6 0 0 0", "division by zero"},
		{"2,96 0 0 3,6 0 0 0", "reads a word that may not have been written"},
		{"1,0 0 0 0", "the last instruction must be a ret"},
	} {
		program, err := ParseBytecode(tt.bytecode)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.AddFilter(&Filter{
			Ifindex: va.Index, Parent: Ingress, Protocol: ProtocolAll, Kind: "bpf", BPF: &BPFFilter{Bytecode: program},
		})
		if err == nil || !strings.HasPrefix(err.Error(), "add filter: invalid argument: bytecode instruction 0 (") ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.bytecode, err, tt.want)
		}
	}
}
