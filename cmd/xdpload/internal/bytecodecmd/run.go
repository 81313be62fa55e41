package bytecodecmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/classic/machine"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/pcap"
	"github.com/xdpload/xdpload/internal/render"
)

type bytecodeRunRequest struct {
	Capture string
	Filters []string
}

// Run is the command bytecode run, which runs classic filters over captured packets.
func Run() env.Command {
	return env.Command{
		Name:    "bytecode run",
		Options: "details",
		Summary: "run classic filters over captured packets",
		Description: `Runs each filter over each packet of a file, in the machine of golang.org/x/net/bpf and in the kernel, and says how many packets they accept and how many of their bytes they keep. Where the two differ the packet is named, and the status is 2.

The kernel runs the filter on a pair of sockets, through which the packet goes as it is; nothing of it reaches a network, and no privilege is needed. To such a socket a packet has no device, no header that the kernel knows, and nothing beside its bytes: of the extensions, only len, cpu and rand are what they would be elsewhere. The other machine has no extension but len, and no negative offset; a filter with others runs in the kernel only. It adds X and k in 64 bits and shifts by 32 and more, where the kernel uses 32 bits and, of a shift's X, the lowest five.`,
		Examples: []grammar.Example{
			{Line: "tcpdump -ddd 'tcp port 80' | xdpload bytecode run pcap today.pcap", Help: "what an expression catches"},
			{Line: "xdpload bytecode run pcap today.pcap old.asm new.asm", Help: "what a change of a filter changes"},
		},
		New: env.New(func(r *bytecodeRunRequest) *grammar.Node {
			return grammar.Any(
				grammar.Key("pcap", "FILE", grammar.String(&r.Capture)).Completes(grammar.File).Required().
					Help("captured packets, in a file of pcap or pcapng; - is standard input"),
				filterNode(grammar.Append(&r.Filters)).Repeat(),
			)
		}),
	}
}

func (r *bytecodeRunRequest) Run(_ context.Context, e *env.Env) (any, error) {
	if len(r.Filters) == 0 {
		r.Filters = []string{"-"}
	}
	report := &RunsReport{details: e.Details}
	defer report.Close()
	for _, word := range r.Filters {
		f := filterFile{Word: word}
		if r.Capture == "-" && f.Name() == "standard input" {
			return nil, errors.New("standard input cannot be both the packets and a filter")
		}
		if err := report.Add(e, f); err != nil {
			return nil, err
		}
	}
	if err := r.packets(e, report.packet); err != nil {
		return nil, err
	}
	if report.differ == 0 {
		return report, nil
	}
	return e.Refuse(report, fmt.Errorf("%s: x/net/bpf and the kernel differ %d times", subject.InputName(r.Capture), report.differ))
}

// packets calls f for each packet of the file.
func (r *bytecodeRunRequest) packets(e *env.Env, f func(*pcap.Packet) error) error {
	in, err := e.Input(r.Capture)
	if err != nil {
		return err
	}
	defer in.Close()
	packets, err := pcap.NewReader(in)
	if err != nil {
		return fmt.Errorf("%s: %w", subject.InputName(r.Capture), err)
	}
	for p, err := range packets.Packets() {
		if err == nil {
			err = f(&p)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", subject.InputName(r.Capture), err)
		}
	}
	return nil
}

// RunsReport is what filters made of packets.
type RunsReport struct {
	Packets int          `json:"packets"`
	Bytes   int          `json:"bytes"`
	Filters []*runReport `json:"filters"`

	details bool
	differ  int // verdicts
}

// runReport is what one filter made of them.
type runReport struct {
	Filter   string          `json:"filter"`
	Insns    int             `json:"insns"`
	Accepted int             `json:"accepted"`
	Kept     int             `json:"bytes_kept"`          // of those packets, by the kernel
	Unable   string          `json:"not_in_vm,omitempty"` // why only the kernel ran it
	Verdicts []verdictReport `json:"verdicts,omitempty"`
	Differ   []verdictReport `json:"mismatches"`

	vm     *machine.VM // nil if unable
	kernel *machine.Socket
}

// verdictReport is how many bytes of a packet are kept.
type verdictReport struct {
	Packet int  `json:"packet"` // in the file, from 1
	Bytes  int  `json:"bytes"`
	Kernel int  `json:"kernel"`
	VM     *int `json:"vm,omitempty"`
}

// Close gives back the machines that run the filters.
func (r *RunsReport) Close() {
	for _, f := range r.Filters {
		f.kernel.Close()
	}
}

// Add readies the machines for a filter.
func (r *RunsReport) Add(e *env.Env, file filterFile) error {
	filter, err := file.read(e)
	if err != nil {
		return err
	}
	f := &runReport{Filter: file.Name(), Insns: len(filter), Differ: []verdictReport{}}
	if f.vm, err = machine.NewVM(filter); errors.Is(err, machine.ErrUnable) {
		f.vm, f.Unable = nil, err.Error()
	} else if err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	if f.kernel, err = machine.NewSocket(filter); err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	r.Filters = append(r.Filters, f)
	return nil
}

// packet runs all filters over a packet.
func (r *RunsReport) packet(p *pcap.Packet) error {
	r.Packets++
	r.Bytes += len(p.Data)
	for _, f := range r.Filters {
		v, err := f.verdict(p)
		if err != nil {
			return fmt.Errorf("packet %d: %s: %w", p.Number, f.Filter, err)
		}
		if v.Kernel > 0 {
			f.Accepted++
			f.Kept += v.Kernel
		}
		if r.details {
			f.Verdicts = append(f.Verdicts, v)
		}
		if v.VM != nil && *v.VM != v.Kernel {
			f.Differ = append(f.Differ, v)
			r.differ++
		}
	}
	return nil
}

func (f *runReport) verdict(p *pcap.Packet) (v verdictReport, err error) {
	v = verdictReport{Packet: p.Number, Bytes: len(p.Data)}
	if v.Kernel, err = f.kernel.Run(p.Data); err != nil || f.vm == nil {
		return v, err
	}
	n, err := f.vm.Run(p.Data)
	v.VM = &n
	return v, err
}

// WriteText prints a table of the filters, and below it the packets that are
// asked for or named.
func (r *RunsReport) WriteText(t *render.Text, o render.Options) {
	var table render.Table
	table.Row("FILTER", "INSNS", "PACKETS", "ACCEPTED", "BYTES KEPT", "MISMATCHES")
	for _, f := range r.Filters {
		differ := strconv.Itoa(len(f.Differ))
		if f.Unable != "" {
			differ = "only in the kernel: " + f.Unable
		}
		table.Row(f.Filter, strconv.Itoa(f.Insns), strconv.Itoa(r.Packets), strconv.Itoa(f.Accepted), strconv.Itoa(f.Kept), differ)
	}
	table.WriteText(t, o)
	for _, f := range r.Filters {
		for _, v := range f.Verdicts {
			t.Printf("%s: packet %d: %d of %d bytes\n", f.Filter, v.Packet, v.Kernel, v.Bytes)
		}
		for _, v := range f.Differ {
			t.Printf("%s: packet %d of %d bytes: x/net/bpf keeps %d, the kernel %d\n", f.Filter, v.Packet, v.Bytes, *v.VM, v.Kernel)
		}
	}
}
