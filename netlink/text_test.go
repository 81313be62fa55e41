package netlink

import (
	"encoding"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

type text interface {
	fmt.Stringer
	encoding.TextMarshaler
}

func TestText(t *testing.T) {
	tests := []struct {
		value text
		into  encoding.TextUnmarshaler
		want  string
		also  []string // read as the same value
	}{
		{MakeHandle(1, 2), new(Handle), "1:2", []string{"0x1:0x2", "10002"}},
		{MakeHandle(0xffff, 0), new(Handle), "ffff:", []string{"FFFF:0"}},
		{MakeHandle(0, 10), new(Handle), ":a", []string{"0:a", "a"}},
		{Handle(0), new(Handle), "none", []string{"0:", "0:0", "0"}},
		{HandleRoot, new(Handle), "root", []string{"ffff:ffff"}},
		{HandleClsact, new(Handle), "ffff:fff1", nil},
		{Ingress, new(Parent), "ingress", []string{"ffff:fff2"}},
		{Egress, new(Parent), "egress", []string{"ffff:fff3"}},
		{Root, new(Parent), "root", nil},
		{Parent(MakeHandle(1, 0)), new(Parent), "1:", nil},
		{ProtocolAll, new(Protocol), "all", []string{"ALL", "3", "0x3"}},
		{Protocol(unix.ETH_P_IP), new(Protocol), "ip", []string{"ipv4", "IP", "0x800"}},
		{Protocol(unix.ETH_P_8021Q), new(Protocol), "802.1Q", []string{"802.1q", "33024"}},
		{Protocol(4660), new(Protocol), "[4660]", []string{"4660", "0x1234"}},
		{Protocol(0), new(Protocol), "[0]", nil},
		{VerdictContinue, new(Verdict), "continue", []string{"-1"}},
		{VerdictPass, new(Verdict), "pass", []string{"ok"}},
		{VerdictDrop, new(Verdict), "drop", []string{"shot"}},
		{GotoChain(7), new(Verdict), "goto chain 7", []string{"goto chain 0x7"}},
		{Jump(2), new(Verdict), "jump 2", nil},
		{Verdict(42), new(Verdict), "42", nil},
		{ATM, new(LinkLayer), "atm", []string{"adsl"}},
		{HWStatsDelayed, new(HWStats), "delayed", nil},
		{NetkitL3, new(NetkitMode), "l3", nil},
		{NetkitBlackhole, new(NetkitPolicy), "blackhole", []string{"2"}},
		{NetkitScrubDefault, new(NetkitScrub), "default", nil},
		{Replaced, new(Change), "replaced", nil},
		{StateLowerLayerDown, new(OperState), "LOWERLAYERDOWN", nil},
		{OperState(77), new(OperState), "77", nil},
		{AddrGenStableSecret, new(AddrGenMode), "stable_secret", nil},
		{AddrGenMode(7), new(AddrGenMode), "7", nil},
	}
	for _, tt := range tests {
		b, err := tt.value.MarshalText()
		if err != nil || string(b) != tt.want || tt.value.String() != tt.want {
			t.Errorf("%#v: got %s, %s, %v, want %s", tt.value, b, tt.value, err, tt.want)
		}
		for _, s := range append(tt.also, tt.want) {
			if err := tt.into.UnmarshalText([]byte(s)); err != nil {
				t.Error(err)
			} else if got := tt.into.(fmt.Stringer).String(); got != tt.want {
				t.Errorf("%q is read as %s, want %s", s, got, tt.want)
			}
		}
	}
}

func TestTextErrors(t *testing.T) {
	for _, tt := range []struct {
		into encoding.TextUnmarshaler
		bad  []string
	}{
		{new(Handle), []string{"", ":", "x:1", "1:2:3", "10000:", "1:10000", "100000000", "-1:", "1:-1"}},
		{new(Parent), []string{"", "inward"}},
		{new(Protocol), []string{"", "ipx7", "65536", "-1", "[ip]"}},
		{new(Verdict), []string{"", "pas", "jump x", "goto chain 268435456", "goto chain", "4294967296"}},
		{new(LinkLayer), []string{"token-ring", "256"}},
		{new(HWStats), []string{"often"}},
		{new(NetkitMode), []string{"l4"}},
		{new(NetkitPolicy), []string{"blackhol", "-1"}},
		{new(NetkitScrub), []string{"all"}},
		{new(Change), []string{"moved"}},
		{new(OperState), []string{"up"}},
		{new(AddrGenMode), []string{"eui-64"}},
	} {
		for _, s := range tt.bad {
			if err := tt.into.UnmarshalText([]byte(s)); err == nil {
				t.Errorf("%T takes %q, as %v", tt.into, s, tt.into)
			} else if !strings.Contains(err.Error(), `"`+s) {
				t.Errorf("%T: %v does not name %q", tt.into, err, s)
			}
		}
	}
}

func TestVerdictSplit(t *testing.T) {
	for v, want := range map[Verdict]string{Jump(3): "jump 3", GotoChain(9): "goto 9", VerdictTrap: "trap 0"} {
		word, value := v.Split()
		if got := fmt.Sprint(word, " ", value); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}
