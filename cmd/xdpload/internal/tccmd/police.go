package tccmd

import (
	"errors"
	"math"
	"strings"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// policeGrammar is "police SPEC" as tc-police(8) has it; begin is called when there is
// one, which fills p; who calls checks it.
func policeGrammar(p *netlink.Police, begin func()) *grammar.Node {
	start := func() {
		begin()
		*p = netlink.Police{Exceed: netlink.VerdictReclassify}
	}
	return grammar.Word("police").Do(start).Later(func() *grammar.Node { return limitGrammar(p) })
}

func limitGrammar(p *netlink.Police) *grammar.Node {
	return grammar.Any(
		grammar.Key("rate", "RATE", rate(&p.Rate)).Exact().Help("such as 10mbit"),
		grammar.Key("burst", "SIZE", size(&p.Burst)).Exact().Alias("buffer", "maxburst").Help("such as 10k"),
		grammar.Key("mtu", "SIZE", size(&p.MTU)).Exact().Alias("minburst").Help("longer packets exceed the rate"),
		grammar.Key("mpu", "SIZE", size(&p.MPU)).Exact().Help("shorter packets count as this long"),
		grammar.Key("avrate", "RATE", rate(&p.AvRate)).Exact().Help("a limit for the average, which needs an estimator"),
		grammar.Key("peakrate", "RATE", rate(&p.PeakRate)).Exact().Help("a limit for bursts"),
		grammar.Key("pkts_rate", "N", grammar.Number(&p.PacketRate, 1, math.MaxInt64)).Exact().Help("packets a second"),
		grammar.Key("pkts_burst", "N", grammar.Number(&p.PacketBurst, 1, math.MaxInt64)).Exact().Help("packets"),
		grammar.Key("overhead", "SIZE", size(&p.Overhead)).Exact().Help("bytes that are added to each packet"),
		grammar.Key("linklayer", "TYPE", grammar.Text(&p.LinkLayer)).Exact().
			Choices("ethernet", "atm", "adsl").Help("how the link pads packets"),
		grammar.Key("conform-exceed", "EXCEED[/CONFORM]", func(word string) error { return conformExceed(p, word) }).Exact().
			Help("what becomes of packets above the rate, and of those below"),
		verdictGrammar(func(v netlink.Verdict) { p.Exceed = v }).Repeat(), // the last counts, as for tc
		grammar.Key("index", "N", grammar.Number(&p.Index, 0, math.MaxUint32)).Exact().
			Help("the number under which filters share the limit"),
	).Named("LIMIT")
}

func conformExceed(p *netlink.Police, word string) error {
	exceed, conform, both := strings.Cut(word, "/")
	if err := p.Exceed.UnmarshalText([]byte(exceed)); err != nil || !both {
		return err
	}
	return p.Conform.UnmarshalText([]byte(conform))
}

// checkPolice holds to tc's rules of what belongs together.
func checkPolice(p *netlink.Police) error {
	switch {
	case p.Rate == 0 && p.AvRate == 0 && p.PacketRate == 0 && p.MTU == 0 && p.Index == 0:
		return errors.New("police: expected rate RATE, pkts_rate N, avrate RATE, mtu SIZE or index N")
	case (p.Rate == 0) != (p.Burst == 0):
		return errors.New("police: rate and burst go together")
	case (p.PacketRate == 0) != (p.PacketBurst == 0):
		return errors.New("police: pkts_rate and pkts_burst go together")
	case p.Rate != 0 && p.PacketRate != 0:
		return errors.New("police: rate and pkts_rate exclude each other")
	case p.PeakRate != 0 && (p.Rate == 0 || p.MTU == 0):
		return errors.New("police: peakrate needs rate and mtu")
	}
	return nil
}

// policeReport is a rate limit. tc has no keys for most of it.
type policeReport struct {
	Index       uint32            `json:"index" always:" police 0x%x "`
	Rate        byteRate          `json:"rate" always:"rate %v "`
	Burst       byteSize          `json:"burst" always:"burst %v "`
	MTU         byteSize          `json:"mtu" always:"mtu %v "`
	PeakRate    byteRate          `json:"peakrate,omitempty" text:"peakrate %v "`
	AvRate      byteRate          `json:"avrate,omitempty" text:"avrate %v "`
	PacketRate  uint64            `json:"pkts_rate,omitempty" text:"pkts_rate %d "`
	PacketBurst uint64            `json:"pkts_burst,omitempty" text:"pkts_burst %d "`
	Exceed      *controlReport    `json:"exceed" text:"action %v"`
	Conform     *controlReport    `json:"conform"`
	Overhead    byteSize          `json:"overhead"`
	LinkLayer   netlink.LinkLayer `json:"linklayer"`
	Refs        int32             `json:"ref"`
	Binds       int32             `json:"bind"`
	*timesReport

	conforms bool // with a verdict of its own
	layered  bool // with a link layer that is worth a word
}

// limitStats is what the limit of a filter has counted, in tc's old form of statistics.
type limitStats struct {
	Bytes      uint64 `json:"bytes"`
	Packets    uint64 `json:"packets"`
	Dropped    uint32 `json:"dropped"`
	Overlimits uint32 `json:"overlimits"`
}

func (s *limitStats) Write(t *render.Text) {
	t.Printf(" Sent %d bytes %d pkts (dropped %d, overlimits %d) \n", s.Bytes, s.Packets, s.Dropped, s.Overlimits)
}

func reportLimitStats(s *netlink.Stats) *limitStats {
	if s == nil {
		return nil
	}
	return &limitStats{s.Bytes, s.Packets, s.Drops, s.Overlimits}
}

func (v *filterView) police(p *netlink.Police) *policeReport {
	if p == nil {
		return nil
	}
	return &policeReport{
		Index: p.Index, Rate: byteRate(p.Rate), Burst: byteSize(p.Burst), MTU: byteSize(p.MTU), PeakRate: byteRate(p.PeakRate),
		AvRate: byteRate(p.AvRate), PacketRate: p.PacketRate, PacketBurst: p.PacketBurst, Exceed: reportVerdict(p.Exceed),
		Conform: reportVerdict(p.Conform), Overhead: byteSize(p.Overhead), LinkLayer: p.LinkLayer, Refs: p.Refs, Binds: p.Binds,
		timesReport: v.times(p.Times),
		conforms:    p.Conform != netlink.VerdictPass, layered: v.details || p.LinkLayer > netlink.Ethernet,
	}
}

// Write prints two lines, as tc does.
func (r *policeReport) Write(t *render.Text) {
	numbers := *r
	numbers.timesReport = nil
	t.Fields(&numbers)
	t.If(r.conforms, "/%v", r.Conform)
	t.Printf(" overhead %v ", r.Overhead)
	t.If(r.layered, "linklayer %v ", r.LinkLayer)
	t.Printf("\n\tref %d bind %d ", r.Refs, r.Binds)
	if r.timesReport != nil {
		t.Fields(r.timesReport)
	}
	t.WriteByte('\n')
}
