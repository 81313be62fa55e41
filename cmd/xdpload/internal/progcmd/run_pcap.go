package progcmd

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/pcap"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/prog"
)

// CaptureReport is what a program made of the packets of a capture.
type CaptureReport struct {
	Program  string         `json:"name"`
	Type     string         `json:"type"`
	File     string         `json:"file"`
	Packets  int            `json:"packets"`
	Passed   int            `json:"passed"`
	Changed  int            `json:"changed"`
	Cut      int            `json:"cut"` // by the capture: the program did not see all of them
	Repeat   uint32         `json:"repeat"`
	Time     int64          `json:"duration"` // nanoseconds a run, the mean
	Verdicts []verdictCount `json:"verdicts"`
	Details  []packetReport `json:"details,omitempty"`
}

// verdictCount is a row of the table.
type verdictCount struct {
	Verdict string `json:"verdict"`
	Value   uint32 `json:"retval"`
	Packets int    `json:"packets"`
	Bytes   int    `json:"bytes"` // that the packets had
	Changed int    `json:"changed"`
	Time    int64  `json:"duration"`

	sum int64
}

// packetReport is a packet by itself.
type packetReport struct {
	Number  int          `json:"packet"`
	Verdict string       `json:"verdict"`
	Value   uint32       `json:"retval"`
	Time    int64        `json:"duration"`
	In      int          `json:"data_size_in"`
	Out     int          `json:"data_size_out"`
	Edits   []PacketEdit `json:"changes"`
}

// runCapture runs the program on every packet of the capture.
func (r *progRunRequest) runCapture(e *env.Env, p *prog.Program) (any, error) {
	report := &CaptureReport{Program: p.Name, Type: kernelname.Program(p.Type), File: r.Capture, Repeat: r.Repeat, Verdicts: []verdictCount{}}
	wrong := &verdictError{Want: r.Expect}
	run := func(out *pcap.Writer) error { return r.eachPacket(e, p, report, wrong, out) }
	var err error
	if r.Out.File == "" {
		err = run(nil)
	} else {
		err = r.Out.Stream(e, func(w io.Writer) error {
			out, err := pcap.NewWriter(w, pcap.Ethernet)
			if err != nil {
				return err
			}
			return cmp.Or(run(out), out.Flush())
		})
	}
	if err != nil {
		return nil, err
	}
	report.finish()
	if wrong.Wrong > 0 {
		wrong.All = report.Packets
		return report, wrong
	}
	return report, nil
}

func (r *progRunRequest) eachPacket(e *env.Env, p *prog.Program, report *CaptureReport, wrong *verdictError, out *pcap.Writer) error {
	f, err := e.Input(r.Capture)
	if err != nil {
		return err
	}
	defer f.Close()
	packets, err := pcap.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", subject.InputName(r.Capture), err)
	}
	for packet, err := range packets.Packets() {
		if err == nil && packet.Link != pcap.Ethernet {
			err = fmt.Errorf("packet %d: it begins with %s, but programs read Ethernet", packet.Number, packet.Link)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", subject.InputName(r.Capture), err)
		}
		result, err := p.Run(prog.RunOptions{Data: packet.Data, Context: r.Context, Repeat: r.Repeat})
		if err != nil {
			return fmt.Errorf("%s: packet %d: %w", subject.InputName(r.Capture), packet.Number, err)
		}
		report.Add(e, &packet, result)
		if r.Expect != "" && !result.Verdict.Is(r.Expect) {
			if wrong.Wrong++; wrong.Wrong == 1 {
				wrong.Packet, wrong.Have = packet.Number, result.Verdict.String()
			}
		}
		if out != nil && result.Verdict.Passes() {
			if err := out.Write(passed(&packet, result)); err != nil {
				return err
			}
		}
	}
	if r.Expect != "" && report.Packets == 0 {
		return fmt.Errorf("%s: the capture has no packet, so none has the verdict %s", subject.InputName(r.Capture), r.Expect)
	}
	return nil
}

// passed is a packet as it goes on: a filter of sockets keeps the beginning.
func passed(in *pcap.Packet, r *prog.RunResult) *pcap.Packet {
	out := &pcap.Packet{Time: in.Time, Data: r.Data, Length: len(r.Data)}
	if in.Truncated() && len(r.Data) == len(in.Data) {
		out.Length = in.Length
	}
	if r.Verdict.Type == ebpf.SocketFilter {
		const header = 14 // which is not counted
		out.Data = r.Data[:min(len(r.Data), header+int(min(r.Verdict.Value, 1<<20)))]
	}
	return out
}

// Add counts what a program did with a packet of the capture.
func (c *CaptureReport) Add(e *env.Env, in *pcap.Packet, r *prog.RunResult) {
	i := slices.IndexFunc(c.Verdicts, func(v verdictCount) bool { return v.Value == r.Verdict.Value })
	if i < 0 {
		i = len(c.Verdicts)
		c.Verdicts = append(c.Verdicts, verdictCount{Verdict: r.Verdict.String(), Value: r.Verdict.Value})
	}
	v := &c.Verdicts[i]
	changes := Edits(in.Data, r.Data)
	c.Packets++
	v.Packets++
	v.Bytes += in.Length
	v.sum += r.Time.Nanoseconds()
	if len(changes) > 0 {
		c.Changed++
		v.Changed++
	}
	if r.Verdict.Passes() {
		c.Passed++
	}
	if in.Truncated() {
		c.Cut++
	}
	if e.Details {
		c.Details = append(c.Details, packetReport{
			Number: in.Number, Verdict: r.Verdict.String(), Value: r.Verdict.Value, Time: r.Time.Nanoseconds(),
			In: len(in.Data), Out: len(r.Data), Edits: changes,
		})
	}
}

// finish works out the means, and puts the verdicts in order.
func (c *CaptureReport) finish() {
	var sum int64
	for i := range c.Verdicts {
		v := &c.Verdicts[i]
		v.Time = v.sum / int64(v.Packets)
		sum += v.sum
	}
	if c.Packets > 0 {
		c.Time = sum / int64(c.Packets)
	}
	slices.SortFunc(c.Verdicts, func(a, b verdictCount) int { return cmp.Compare(int32(a.Value), int32(b.Value)) })
}

// WriteText prints a table of verdicts, below one of packets with -details.
func (c *CaptureReport) WriteText(t *render.Text, o render.Options) {
	if len(c.Details) > 0 {
		var table render.Table
		table.Row("PACKET", "VERDICT", "BYTES", "NS", "CHANGES")
		for i := range c.Details {
			p := &c.Details[i]
			table.Row(strconv.Itoa(p.Number), p.Verdict, p.bytes(), strconv.FormatInt(p.Time, 10), p.changes(o))
		}
		table.WriteText(t, o)
		t.WriteByte('\n')
	}
	if !o.Brief {
		var table render.Table
		table.Row("VERDICT", "PACKETS", "BYTES", "CHANGED", "NS/RUN")
		for _, v := range c.Verdicts {
			table.Row(v.Verdict, strconv.Itoa(v.Packets), strconv.Itoa(v.Bytes), strconv.Itoa(v.Changed), strconv.FormatInt(v.Time, 10))
		}
		table.WriteText(t, o)
	}
	t.Printf("%s: %s, %d go on, %d changed, %d ns a run\n", c.Program, subject.Count(c.Packets, "packet"), c.Passed, c.Changed, c.Time)
	t.If(c.Cut > 0, "cut by the capture: %s; the program saw what there is (tcpdump -s 0 keeps all)\n", subject.Count(c.Cut, "packet"))
}

func (p *packetReport) bytes() string {
	if p.In == p.Out {
		return strconv.Itoa(p.In)
	}
	return fmt.Sprintf("%d → %d", p.In, p.Out)
}

func (p *packetReport) changes(o render.Options) string {
	o.Details = false
	edits := make([]string, len(p.Edits))
	for i, e := range p.Edits {
		edits[i] = e.text(o)
	}
	return strings.Join(edits, ", ")
}
