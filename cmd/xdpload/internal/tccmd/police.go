package tccmd

import (
	"errors"
	"math"
	"strings"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

// policeGrammar is "police SPEC" as tc-police(8) has it; begin is called when there is
// one, which fills p.
func policeGrammar(p *netlink.Police, begin func()) *grammar.Node {
	start := func() {
		*p = netlink.Police{Exceed: netlink.VerdictReclassify}
		begin()
	}
	return grammar.Word("police").Do(start).
		Later(func() *grammar.Node { return limitGrammar(p) }).
		Check(func() error { return checkPolice(p) })
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
		verdictGrammar(&p.Exceed),
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
