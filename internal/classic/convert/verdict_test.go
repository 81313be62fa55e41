package convert_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cloudflare/cbpfc"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/classic"
	"github.com/xdpload/xdpload/internal/classic/convert"
	"github.com/xdpload/xdpload/internal/classic/machine"
)

// fixture is a filter of package classic's testdata.
type fixture struct {
	name    string
	program []classic.Instruction
}

// fixtures reads the filters that a kernel runs.
func fixtures(t testing.TB) (all []fixture) {
	t.Helper()
	add := func(name, text string) {
		program, _, err := classic.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if classic.Check(program) == nil {
			all = append(all, fixture{name, program})
		}
	}
	f, err := os.Open("../testdata/filters.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), "\t")
		add(name, text)
	}
	archive, err := txtar.ParseFile("../testdata/assembly.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		add(f.Name, string(f.Data))
	}
	return all
}

// A judge says of a packet whether it is accepted.
type judge struct {
	name   string
	accept func(packet []byte) (bool, error)
}

// errAbstains is that a judge does not take such packets.
var errAbstains = errors.New("no verdict")

// TestVerdicts runs every filter over the same packets everywhere: in x/net/bpf's
// machine, in the kernel as a socket filter, as the XDP and tc programs that are
// made of it, and as cbpfc's, and wants one verdict.
func TestVerdicts(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	filters, frames := fixtures(t), packets(500)
	least := 200
	if bpftest.InGuest() { // which is slow
		for i := range len(filters) / 10 {
			filters[i] = filters[10*i]
		}
		filters, frames, least = filters[:len(filters)/10], frames[:50], 20
	}
	accepted, compared, judged := 0, 0, make(map[string]int)
	for _, f := range filters {
		judges, err := judgesOf(t, f)
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
		if fromKernel(f.name) {
			continue
		}
		for _, j := range judges {
			judged[j.name]++
		}
		n, err := compare(judges, frames)
		if err != nil {
			text, _ := classic.Disassemble(f.program)
			t.Errorf("%s: %v\n%s", f.name, err, text)
		}
		accepted += n
		compared++
	}
	t.Logf("%d filters, %d compared, %d packets, %d accepted; judges %v", len(filters), compared, len(frames), accepted, judged)
	if accepted < len(frames) || accepted > len(frames)*len(filters)/2 {
		t.Errorf("%d of %d verdicts are to accept: the packets do not suit the filters", accepted, len(frames)*len(filters))
	}
	for _, name := range []string{"x/net/bpf", "socket", "XDP", "tc", "cbpfc"} {
		if judged[name] < least {
			t.Errorf("%s judged by %d filters, expected %d", name, judged[name], least)
		}
	}
}

// fromKernel reports whether a filter asks for more than the packet.
func fromKernel(name string) bool {
	return strings.HasPrefix(name, "kernel/") || name == "inbound" || name == "outbound"
}

// compare returns how many packets are accepted, and names the first on which
// judges differ.
func compare(judges []judge, frames [][]byte) (accepted int, err error) {
	for n, frame := range frames {
		var first bool
		for i, j := range judges {
			ok, err := j.accept(frame)
			switch {
			case errors.Is(err, errAbstains):
			case err != nil:
				return accepted, fmt.Errorf("%s: packet %d: %w", j.name, n, err)
			case i == 0:
				first = ok
			case ok != first:
				return accepted, fmt.Errorf("packet %d (%d bytes): %s says %v, %s says %v: %x", n, len(frame), judges[0].name, first, j.name, ok, frame)
			}
		}
		if first {
			accepted++
		}
	}
	return accepted, nil
}

// judgesOf returns those who can run the filter; the kernel's socket always can.
func judgesOf(t *testing.T, f fixture) ([]judge, error) {
	s, err := machine.NewSocket(f.program)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { s.Close() })
	judges := []judge{{"socket", func(p []byte) (bool, error) {
		n, err := s.Run(p)
		return n > 0, err
	}}}
	vm, err := machine.NewVM(f.program)
	if err == nil {
		judges = append(judges, judge{"x/net/bpf", func(p []byte) (bool, error) {
			n, err := vm.Run(p)
			return n > 0, err
		}})
	} else if !errors.Is(err, machine.ErrUnable) {
		return nil, err
	}
	for _, o := range []convert.Options{
		{Hook: convert.XDP, Match: convert.XDPDrop, Rest: convert.XDPPass},
		{Hook: convert.TC, Match: convert.TCPass, Rest: convert.TCDrop},
	} {
		image, err := convert.Object(f.program, o)
		if _, refused := errors.AsType[*classic.CheckError](err); refused && fromKernel(f.name) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%v: %w", o.Hook, err)
		}
		p, err := load(t, image)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", o.Hook, err)
		}
		judges = append(judges, judge{o.Hook.String(), run(p, uint32(o.Match), uint32(o.Rest))})
	}
	if p := cbpfcProgram(t, f.program); p != nil {
		judges = append(judges, judge{"cbpfc", run(p, 1, 2)})
	}
	return judges, nil
}

func load(t *testing.T, image []byte) (*ebpf.Program, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(image))
	if err != nil {
		return nil, err
	}
	p, err := ebpf.NewProgram(spec.Programs["classic_filter"])
	if err != nil {
		return nil, fmt.Errorf("%+w", err)
	}
	t.Cleanup(func() { p.Close() })
	return p, nil
}

func run(p *ebpf.Program, match, rest uint32) func([]byte) (bool, error) {
	return func(packet []byte) (bool, error) {
		verdict, err := p.Run(&ebpf.RunOptions{Data: packet})
		if p.Type() == ebpf.SchedCLS && errors.Is(err, unix.EINVAL) && len(packet) < 14+40 {
			return false, errAbstains // a test run wants whole IP headers, and something behind the Ethernet header
		}
		if err == nil && verdict != match && verdict != rest {
			err = fmt.Errorf("verdict %d", verdict)
		}
		return verdict == match, err
	}
}

// cbpfcProgram has cbpfc make an XDP program, nil if it cannot.
func cbpfcProgram(t *testing.T, program []classic.Instruction) *ebpf.Program {
	t.Helper()
	filter := make([]bpf.Instruction, len(program))
	for at, i := range program {
		if i.Code == classic.LDX|classic.W|classic.LEN {
			return nil // x/net/bpf reads it as a load into A
		}
		filter[at] = bpf.RawInstruction{Op: i.Code, Jt: i.JT, Jf: i.JF, K: i.K}.Disassemble()
	}
	code, err := cbpfc.ToEBPF(filter, cbpfc.EBPFOpts{
		PacketStart: asm.R0, PacketEnd: asm.R1, Result: asm.R2, ResultLabel: "result",
		Working: [4]asm.Register{asm.R2, asm.R3, asm.R4, asm.R5}, LabelPrefix: "filter",
	})
	if err != nil {
		return nil
	}
	insns := append(asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R1, asm.R1, 4, asm.Word),
	}, code...)
	insns = append(insns,
		asm.Mov.Imm(asm.R0, 1).WithSymbol("result"),
		asm.JNE.Imm(asm.R2, 0, "end"),
		asm.Mov.Imm(asm.R0, 2),
		asm.Return().WithSymbol("end"),
	)
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, Instructions: insns, License: "GPL"})
	if err != nil {
		t.Logf("cbpfc's program: %v", err)
		return nil
	}
	t.Cleanup(func() { p.Close() })
	return p
}
