package tccmd

import (
	"errors"
	"math"
	"strings"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

// newPolice is what police does where it is not told otherwise.
func newPolice() *netlink.Police { return &netlink.Police{Exceed: netlink.VerdictReclassify} }

// policeGrammar is "police SPEC" as tc-police(8) has it; begin returns what to
// fill.
func policeGrammar(begin func() *netlink.Police) *grammar.Node {
	p := new(netlink.Police) // of the last police: the grammar is one for all of them
	return grammar.Word("police").Do(func() { p = begin() }).
		Later(func() *grammar.Node { return limitGrammar(&p) }).
		Check(func() error { return checkPolice(p) })
}

// limitGrammar fills the police that *last points to by then.
func limitGrammar(last **netlink.Police) *grammar.Node {
	key := func(name, value string, set func(p *netlink.Police) func(string) error) *grammar.Node {
		return grammar.Key(name, value, func(word string) error { return set(*last)(word) }).Exact()
	}
	return grammar.Any(
		key("rate", "RATE", func(p *netlink.Police) func(string) error { return rate(&p.Rate) }).Help("such as 10mbit"),
		key("burst", "SIZE", func(p *netlink.Police) func(string) error { return size(&p.Burst) }).
			Alias("buffer", "maxburst").Help("such as 10k"),
		key("mtu", "SIZE", func(p *netlink.Police) func(string) error { return size(&p.MTU) }).
			Alias("minburst").Help("longer packets exceed the rate"),
		key("mpu", "SIZE", func(p *netlink.Police) func(string) error { return size(&p.MPU) }).
			Help("shorter packets count as this long"),
		key("avrate", "RATE", avrate).Help("a limit for the average, which needs an estimator"),
		key("peakrate", "RATE", func(p *netlink.Police) func(string) error { return rate(&p.PeakRate) }).
			Help("a limit for bursts"),
		key("pkts_rate", "N", func(p *netlink.Police) func(string) error {
			return grammar.Number(&p.PacketRate, 1, math.MaxInt64)
		}).Help("packets a second"),
		key("pkts_burst", "N", func(p *netlink.Police) func(string) error {
			return grammar.Number(&p.PacketBurst, 1, math.MaxInt64)
		}).Help("packets"),
		key("overhead", "SIZE", func(p *netlink.Police) func(string) error { return size(&p.Overhead) }).
			Help("bytes that are added to each packet"),
		key("linklayer", "TYPE", func(p *netlink.Police) func(string) error { return grammar.Text(&p.LinkLayer) }).
			Choices("ethernet", "atm", "adsl").Help("how the link pads packets"),
		key("conform-exceed", "EXCEED[/CONFORM]", func(p *netlink.Police) func(string) error {
			return func(word string) error { return conformExceed(p, word) }
		}).Help("what becomes of packets above the rate, and of those below"),
		grammar.Alt(verdictNodes(func(v netlink.Verdict) { (*last).Exceed = v })...).Named("VERDICT"),
		key("index", "N", func(p *netlink.Police) func(string) error {
			return grammar.Number(&p.Index, 0, math.MaxUint32)
		}).Help("the number under which filters share the limit"),
	).Named("LIMIT")
}

func avrate(p *netlink.Police) func(string) error {
	return func(word string) error {
		v, err := quantity(word, rateUnits, math.MaxUint32)
		p.AvRate = uint32(v)
		return err
	}
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
	case p.Rate == 0 && p.AvRate == 0 && p.PacketRate == 0 && p.Index == 0:
		return errors.New("police: expected rate RATE, pkts_rate N, avrate RATE or index N")
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
