package tccmd

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// actionReport has the keys of `tc -json actions`, in its order.
type actionReport struct {
	Order int    `json:"order"`
	Kind  string `json:"kind"`

	// bpf
	Name     string                   `json:"bpf_name,omitempty"`
	Bytecode *subject.BytecodeReport  `json:"bytecode,omitempty"`
	Program  *subject.AttachedProgram `json:"prog,omitempty"`
	Tag      string                   `json:"tag,omitempty"`
	// Mirred
	Mirred    string `json:"mirred_action,omitempty"`
	Direction string `json:"direction,omitempty"`
	Device    string `json:"to_dev,omitempty"`

	Control *controlReport `json:"control_action,omitempty"`
	// gact
	Probability *probabilityReport `json:"prob,omitempty"`
	// Police
	Police *policeReport `json:"police,omitempty"`

	Index uint32 `json:"index"`
	Refs  int32  `json:"ref"`
	Binds int32  `json:"bind"`
	*timesReport
	Stats       *statsReport `json:"stats,omitempty"`
	Cookie      string       `json:"cookie,omitempty"`
	NoPerCPU    bool         `json:"no_percpu,omitempty"`
	SkipHW      bool         `json:"skip_hw,omitempty"`
	SkipSW      bool         `json:"skip_sw,omitempty"`
	InHW        bool         `json:"in_hw,omitempty"`
	InHWCount   uint32       `json:"in_hw_count,omitempty"`
	NotInHW     bool         `json:"not_in_hw,omitempty"`
	HWStats     []string     `json:"hw_stats,omitempty"`
	UsedHWStats []string     `json:"used_hw_stats,omitempty"`

	verdict netlink.Verdict
}

// controlReport is a verdict.
type controlReport struct {
	Type  string  `json:"type"`
	Chain *uint32 `json:"chain,omitempty"`
	Jump  *uint32 `json:"jump,omitempty"`
}

func reportVerdict(v netlink.Verdict) *controlReport {
	word, value := v.Split()
	switch word {
	case "goto":
		return &controlReport{Type: word, Chain: &value}
	case "jump":
		return &controlReport{Type: word, Jump: &value}
	}
	return &controlReport{Type: word}
}

type probabilityReport struct {
	Type    string         `json:"random_type"`
	Control *controlReport `json:"control_action"`
	N       uint16         `json:"val"`

	verdict netlink.Verdict
}

// timesReport is in seconds, as tc has it; what never was is left out.
type timesReport struct {
	Installed int64 `json:"installed"`
	LastUsed  int64 `json:"last_used"`
	FirstUsed int64 `json:"first_used,omitempty"`
	Expires   int64 `json:"expires,omitempty"`
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// actionView is what the report on actions is made with.
type actionView struct {
	devices *deviceNames
	stats   bool
	shared  bool // by filters: tc says of such whether a device runs them
	program func(id uint32, tag []byte) (*subject.AttachedProgram, string)
}

func (v *actionView) reports(actions []*netlink.Action) []*actionReport {
	var out []*actionReport
	for i, a := range actions {
		out = append(out, v.report(i+1, a))
	}
	return out
}

func (v *actionView) report(order int, a *netlink.Action) *actionReport {
	r := &actionReport{
		Order: order, Kind: a.Kind, Index: a.Index, Refs: a.Refs, Binds: a.Binds, verdict: a.Verdict,
		Cookie: hex.EncodeToString(a.Cookie), NoPerCPU: a.NoPerCPU, SkipHW: a.SkipHW, SkipSW: a.SkipSW,
		Control: reportVerdict(a.Verdict),
	}
	if n := a.InHWCount; n != nil && v.shared && !a.SkipHW {
		r.InHW, r.InHWCount, r.NotInHW = *n > 0, *n, *n == 0
	}
	if a.HWStats != netlink.HWStatsAny {
		r.HWStats = hwStats(a.HWStats)
	}
	if a.UsedHWStats != nil {
		r.UsedHWStats = hwStats(*a.UsedHWStats)
	}
	if v.stats {
		r.Stats = reportStats(a.Stats)
		if t := a.Times; t != nil {
			r.timesReport = &timesReport{seconds(t.Installed), seconds(t.LastUsed), seconds(t.FirstUsed), seconds(t.Expires)}
		}
	}
	switch {
	case a.Mirred != nil:
		r.mirred(a.Mirred, v.devices)
	case a.BPF != nil:
		r.Name, r.Bytecode = a.BPF.Name, subject.ReportBytecode(a.BPF.Bytecode)
		r.Program, r.Tag = v.program(a.BPF.ProgramID, a.BPF.Tag)
	case a.Police != nil:
		r.Police = reportPolice(a.Police)
	case a.Random != nil:
		r.Probability = &probabilityReport{"netrand", reportVerdict(a.Random.Verdict), a.Random.N, a.Random.Verdict}
		if a.Random.Deterministic {
			r.Probability.Type = "determ"
		}
	}
	return r
}

func (r *actionReport) mirred(m *netlink.Mirred, devices *deviceNames) {
	r.Mirred, r.Direction, r.Device = "redirect", "egress", devices.always(m.Ifindex)
	if m.Mirror {
		r.Mirred = "mirror"
	}
	if m.Ingress {
		r.Direction = "ingress"
	}
}

// Write prints an action as tc does.
func (r *actionReport) Write(b *bytes.Buffer) {
	fmt.Fprintf(b, "\taction order %d: ", r.Order)
	indent := "\t"
	switch r.Kind {
	case "mirred":
		fmt.Fprintf(b, "mirred (%s %s to device %s) %v\n", subject.Capital(r.Direction), subject.Capital(r.Mirred), r.Device, r.verdict)
	case "bpf":
		r.writeBPF(b)
		indent = "\t "
	case "police":
		r.Police.Write(b, r.verdict)
	default:
		fmt.Fprintf(b, "%s action %v\n", r.Kind, r.verdict)
		indent = "\t "
		if p := r.Probability; p != nil {
			fmt.Fprintf(b, "\t random type %s %v val %d\n", p.Type, p.verdict, p.N)
		}
	}
	fmt.Fprintf(b, "%sindex %d ref %d bind %d", indent, r.Index, r.Refs, r.Binds)
	r.writeCounters(b)
	r.writeFlags(b)
}

func (r *actionReport) writeBPF(b *bytes.Buffer) {
	b.WriteString("bpf ")
	if r.Name != "" {
		b.WriteString(render.Line(r.Name) + " ")
	}
	if r.Bytecode != nil {
		fmt.Fprintf(b, "bytecode '%v' ", r.Bytecode)
	}
	writeTC(r.Program, b, r.Tag)
	fmt.Fprintf(b, "default-action %v\n", r.verdict)
}

func (r *actionReport) writeCounters(b *bytes.Buffer) {
	if t := r.timesReport; t != nil {
		fmt.Fprintf(b, " installed %d sec used %d sec", t.Installed, t.LastUsed)
		if t.FirstUsed != 0 {
			fmt.Fprintf(b, " firstused %d sec", t.FirstUsed)
		}
		if t.Expires != 0 {
			fmt.Fprintf(b, " expires %d sec", t.Expires)
		}
	}
	b.WriteString("\n")
	if r.Kind == "bpf" {
		b.WriteString(" ") // so does tc
	}
	if s := r.Stats; s != nil {
		fmt.Fprintf(b, "\tAction statistics:\n\tSent %d bytes %d pkt (dropped %d, overlimits %d requeues %d) \n", s.Bytes, s.Packets, s.Drops, s.Overlimits, s.Requeues)
		fmt.Fprintf(b, "\tbacklog %db %dp requeues %d\n", s.Backlog, s.QueueLen, s.Requeues)
	}
}

func (r *actionReport) writeFlags(b *bytes.Buffer) {
	if r.Cookie != "" {
		fmt.Fprintf(b, "\tcookie %s\n", r.Cookie)
	}
	var words []string
	for _, flag := range []struct {
		word string
		set  bool
	}{
		{"no_percpu", r.NoPerCPU},
		{"skip_hw", r.SkipHW},
		{"skip_sw", r.SkipSW},
		{fmt.Sprintf("in_hw in_hw_count %d", r.InHWCount), r.InHW},
		{"not_in_hw", r.NotInHW},
	} {
		if flag.set {
			words = append(words, "\t"+flag.word)
		}
	}
	if len(words) > 0 {
		b.WriteString(strings.Join(words, "") + "\n")
	}
	if r.HWStats != nil {
		fmt.Fprintf(b, "\thw_stats %s\n", strings.Join(r.HWStats, " "))
	}
	if r.UsedHWStats != nil {
		fmt.Fprintf(b, "\tused_hw_stats %s\n", strings.Join(r.UsedHWStats, " "))
	}
}

// hwStats are the names of the bits.
func hwStats(h netlink.HWStats) []string {
	var names []string
	for _, bit := range []netlink.HWStats{netlink.HWStatsImmediate, netlink.HWStatsDelayed, netlink.HWStatsDisabled} {
		if h&bit != 0 {
			names = append(names, bit.String())
		}
	}
	return names
}

// policeReport is a rate limit. tc has no keys for most of it.
type policeReport struct {
	Index       uint32            `json:"index"`
	Rate        uint64            `json:"rate"` // bytes per second, as all rates here
	Burst       uint32            `json:"burst"`
	MTU         uint32            `json:"mtu"`
	PeakRate    uint64            `json:"peakrate,omitempty"`
	AvRate      uint32            `json:"avrate,omitempty"`
	PacketRate  uint64            `json:"pkts_rate,omitempty"`
	PacketBurst uint64            `json:"pkts_burst,omitempty"`
	Exceed      *controlReport    `json:"exceed"`
	Conform     *controlReport    `json:"conform"`
	Overhead    uint16            `json:"overhead"`
	LinkLayer   netlink.LinkLayer `json:"linklayer"`

	police *netlink.Police
}

func reportPolice(p *netlink.Police) *policeReport {
	if p == nil {
		return nil
	}
	return &policeReport{
		Index: p.Index, Rate: p.Rate, Burst: p.Burst, MTU: p.MTU, PeakRate: p.PeakRate, AvRate: p.AvRate,
		PacketRate: p.PacketRate, PacketBurst: p.PacketBurst, Exceed: reportVerdict(p.Exceed), Conform: reportVerdict(p.Conform),
		Overhead: p.Overhead, LinkLayer: p.LinkLayer, police: p,
	}
}

func (r *policeReport) Write(b *bytes.Buffer, exceed netlink.Verdict) {
	fmt.Fprintf(b, "police 0x%x rate %s burst %s mtu %s ", r.Index, rateText(r.Rate), sizeText(uint64(r.Burst)), sizeText(uint64(r.MTU)))
	if r.PeakRate != 0 {
		fmt.Fprintf(b, "peakrate %s ", rateText(r.PeakRate))
	}
	if r.AvRate != 0 {
		fmt.Fprintf(b, "avrate %s ", rateText(uint64(r.AvRate)))
	}
	if r.PacketRate != 0 {
		fmt.Fprintf(b, "pkts_rate %d pkts_burst %d ", r.PacketRate, r.PacketBurst)
	}
	fmt.Fprintf(b, "action %v", exceed)
	if c := r.police.Conform; c != netlink.VerdictPass {
		fmt.Fprintf(b, "/%v", c)
	}
	fmt.Fprintf(b, " overhead %s linklayer %v\n", sizeText(uint64(r.Overhead)), r.LinkLayer)
}
