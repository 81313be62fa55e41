package progcmd

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/prog"
)

type progRunRequest struct {
	Program subject.ProgramRequest
	Data    string // a file
	Hex     []byte
	Capture string // a file
	Context []prog.ContextField
	Repeat  uint32
	Expect  string
	Out     subject.OutputFile
}

// Run is the command prog run, which runs a program on packets.
func Run() env.Command {
	return env.Command{
		Name:    "prog run",
		Options: "details brief replace",
		Summary: "run a program on packets of your own",
		Description: `Has the kernel run a program on a packet, or on every packet of a capture, and says its verdict, what it has changed of the packet and of its context, and how long it took (BPF_PROG_TEST_RUN). Nothing is sent, whatever the verdict.

A program of an object is loaded for this, with the programs of its program arrays, and is gone at the end. Nothing is attached or pinned, and its maps are its own, even where the object asks for a pinned one; "map NAME pinned PATH" uses that map. What a program with an id or a pin writes to its maps stays written.

Packets begin with an Ethernet header of 14 bytes. Programs of the types for sockets, cgroups and lightweight tunnels see what follows it. Of a capture there is a line for each verdict, and with -details one for each packet. With repeat the program runs that many times on each packet, each time on what the run before has left, and the time is the mean.

Verdicts have their names from include/uapi/linux: XDP_PASS, TC_ACT_OK, BPF_OK; expect takes them without the prefix too, and as numbers. A socket filter has DROP, and KEEP with the number of bytes. When a verdict is not the expected one the status is 2, and the message names the packet by its number in the capture.`,
		Examples: []grammar.Example{
			{Line: "xdpload prog run obj foo.o pcap in.pcap", Help: "a table of verdicts"},
			{Line: "xdpload prog run obj foo.o section tc pcap in.pcap out passed.pcap", Help: "the packets that go on, as the program leaves them"},
			{Line: "xdpload prog run obj foo.o pcap attack.pcap expect drop", Help: "status 2 unless it drops every packet"},
			{Line: "xdpload prog run id 17 data packet.bin repeat 1000000", Help: "the time that a run takes"},
			{Line: "xdpload prog run pinned /sys/fs/bpf/cls hex ffffffffffff0200000000010806 ctx mark=7", Help: "with a field of its context set"},
		},
		New: env.New(func(r *progRunRequest) *grammar.Node {
			r.Repeat, r.Program.Load.Private = 1, true
			return grammar.Seq(r.which(), grammar.Any(
				grammar.Alt(
					grammar.Key("data", "FILE", grammar.String(&r.Data)).Completes(grammar.File).
						Help("the bytes of a packet; - is standard input"),
					grammar.Key("hex", "HEX", r.setHex).
						Help("the bytes of a packet in hexadecimal; blanks and colons are left out"),
					grammar.Key("pcap", "FILE", grammar.String(&r.Capture)).Completes(grammar.File).
						Help("the packets of a capture, pcap or pcapng; - is standard input"),
				).Required(),
				grammar.Key("ctx", "FIELD=VALUE", r.addField).Repeat().
					Help("a field of struct xdp_md or __sk_buff before the program runs: mark, priority, cb[0], ifindex, ingress_ifindex, tstamp, wire_len, gso_segs, gso_size, hwtstamp; for XDP ingress_ifindex, rx_queue_index, and data_meta in hexadecimal. A device may be called by its name"),
				grammar.Key("repeat", "N", grammar.Number(&r.Repeat, 1, math.MaxUint32)).
					Help("run it N times on each packet"),
				grammar.Key("expect", "VERDICT", grammar.String(&r.Expect)).
					Help("what the program must say of every packet"),
				grammar.Key("out", "OUT", grammar.String(&r.Out.File)).Completes(grammar.File).
					Help("write the packet as the program leaves it, or a capture of the packets that go on; the file must not be there unless -force is given; - is standard output, without the report"),
			))
		}),
	}
}

// which is the grammar of the program.
func (r *progRunRequest) which() *grammar.Node {
	p := &r.Program
	return grammar.Alt(append(p.OpenGrammar(),
		p.Selection("a program of an object file", append([]*grammar.Node{p.VerboseGrammar()}, p.Load.Contents()...)...),
		p.Loaded.BareGrammar(),
	)...)
}

func (r *progRunRequest) setHex(word string) (err error) {
	word = strings.NewReplacer(" ", "", ":", "", "\n", "", "\t", "").Replace(strings.TrimPrefix(word, "0x"))
	if r.Hex, err = hex.DecodeString(word); err != nil {
		return errors.New("expected two hexadecimal digits for each byte")
	}
	return nil
}

func (r *progRunRequest) addField(word string) error {
	name, value, ok := strings.Cut(word, "=")
	if !ok || name == "" || value == "" {
		return errors.New("expected FIELD=VALUE, such as mark=7")
	}
	if slices.ContainsFunc(r.Context, func(f prog.ContextField) bool { return f.Name == name }) {
		return errors.New("that field is given twice")
	}
	r.Context = append(r.Context, prog.ContextField{Name: name, Value: value})
	return nil
}

func (r *progRunRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	if r.Program.File == "-" && (r.Data == "-" || r.Capture == "-") {
		return nil, errors.New("standard input cannot be both the object and the packets")
	}
	p, err := r.Program.Open(ctx, e, r.Program.As, 0)
	if err != nil {
		return nil, err
	}
	defer p.Close() //nolint:errcheck // nothing of it was published
	result, err := r.runOn(e, p.Program)
	if _, wrong := errors.AsType[*verdictError](err); err != nil && !wrong {
		return nil, &env.ObjectError{Object: r.Program.Name(), Program: p.Name, Err: err}
	}
	if r.Out.File == "-" {
		return nil, err
	}
	if err != nil {
		return e.Refuse(result, err)
	}
	return result, nil
}

func (r *progRunRequest) runOn(e *env.Env, p *prog.Program) (any, error) {
	if r.Expect != "" {
		if err := prog.CheckVerdict(p.Type, r.Expect); err != nil {
			return nil, fmt.Errorf("expect %w", err)
		}
	}
	if err := r.resolveDevices(e); err != nil {
		return nil, err
	}
	if r.Capture != "" {
		return r.runCapture(e, p)
	}
	return r.runPacket(e, p)
}

// resolveDevices puts the indexes of devices where their names are.
func (r *progRunRequest) resolveDevices(e *env.Env) error {
	for i := range r.Context {
		f := &r.Context[i]
		if _, err := strconv.ParseUint(f.Value, 0, 32); err == nil || !strings.HasSuffix(f.Name, "ifindex") {
			continue
		}
		_, link, err := e.Link(f.Value)
		if err != nil {
			return &env.LinkError{Device: f.Value, Err: err}
		}
		f.Value = strconv.Itoa(link.Index)
	}
	return nil
}

// maxPacket is more than any kernel runs a program on: 17 pages of 64 KiB, and
// the head.
const maxPacket = 2 << 20

func (r *progRunRequest) runPacket(e *env.Env, p *prog.Program) (any, error) {
	data := r.Hex
	if r.Data != "" {
		f, err := e.Input(r.Data)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if data, err = io.ReadAll(io.LimitReader(f, maxPacket+1)); err != nil {
			return nil, err
		}
		if len(data) > maxPacket {
			return nil, fmt.Errorf("%s: more than %d bytes are not a packet", subject.InputName(r.Data), maxPacket)
		}
	}
	result, err := p.Run(prog.RunOptions{Data: data, Context: r.Context, Repeat: r.Repeat})
	if err != nil {
		return nil, err
	}
	if r.Out.File != "" {
		if err := r.Out.Write(e, result.Data); err != nil {
			return nil, err
		}
	}
	report := newProgRunReport(p, data, result, r.Repeat)
	if r.Expect != "" && !result.Verdict.Is(r.Expect) {
		return report, &verdictError{Have: report.Verdict, Want: r.Expect}
	}
	return report, nil
}

// verdictError says that a verdict is not the expected one.
type verdictError struct {
	Packet     int // the first of them, 0 where there is no capture
	Have, Want string
	Wrong, All int // packets
}

func (e *verdictError) Error() string {
	text := fmt.Sprintf("the verdict is %s, expected %s", e.Have, e.Want)
	if e.Packet == 0 {
		return text
	}
	text = fmt.Sprintf("packet %d: %s", e.Packet, text)
	if e.Wrong > 1 {
		text += fmt.Sprintf("; it is the first of %d such packets of %d", e.Wrong, e.All)
	}
	return text
}
