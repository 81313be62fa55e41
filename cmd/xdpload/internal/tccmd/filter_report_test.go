package tccmd

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

// noProgram is an id that the kernel gives to none, so that no more is known of it.
const noProgram = math.MaxUint32

// TestFilterReport: filters that need a card, or are too long to list, or that no test
// makes on every kernel, as tc prints them, in one line, and in JSON.
func TestFilterReport(t *testing.T) {
	for _, tt := range []struct {
		name              string
		event             netlink.Event
		query             netlink.FilterQuery
		text, brief, json string
	}{
		{
			name:  "the head of a pref",
			event: netlink.Event{Filter: &netlink.Filter{Ifindex: 9, Parent: netlink.Root, Protocol: netlink.ProtocolAll, Pref: 7, Kind: "flower", Head: true}},
			text:  "filter dev v9 root protocol all pref 7 flower chain 0 \n",
			json:  `{"ifname":"v9","root":true,"protocol":"all","pref":7,"kind":"flower","chain":0}`,
		},
		{
			name: "on a card, of a block",
			event: netlink.Event{Change: netlink.Added, Filter: &netlink.Filter{
				Block: 4, Protocol: netlink.ProtocolAll, Pref: 7, Chain: 3, Handle: 0x1f, Kind: "bpf",
				BPF: &netlink.BPFFilter{Name: "a\nb", Direct: true, SkipSW: true, InHW: true, ClassID: 0x10002, ProgramID: noProgram, Tag: []byte{0xab, 0xcd}},
			}},
			text:  "added filter block 4 protocol all pref 7 bpf chain 3 handle 0x1f flowid 1:2 a\\nb direct-action skip_sw in_hw id 4294967295 tag abcd \n",
			brief: "block 4 pref 7 handle 0x1f chain 3 a\\nb id 4294967295\n",
			json: `{"added":true,"block":4,"protocol":"all","pref":7,"kind":"bpf","chain":3,` +
				`"options":{"handle":"0x1f","flowid":"1:2","bpf_name":"a\nb","direct-action":true,"skip_sw":true,"in_hw":true,"prog":{"id":4294967295},"tag":"abcd"}}`,
		},
		{
			name: "too long to list", query: netlink.FilterQuery{Ifindex: 9, Parent: netlink.Egress},
			event: netlink.Event{Change: netlink.Deleted, Filter: &netlink.Filter{
				Ifindex: 9, Parent: netlink.Egress, Protocol: netlink.ProtocolAll, Pref: 7, Handle: 1, Kind: "bpf", Unlisted: true,
			}},
			text:  "deleted filter protocol all pref 7 bpf chain 0 handle 0x1 (too long for this kernel to list) \n",
			brief: "v9 egress pref 7 handle 0x1 bpf (too long for this kernel to list)\n",
			json:  `{"deleted":true,"protocol":"all","pref":7,"kind":"bpf","chain":0,"options":{"handle":"0x1","unlisted":true}}`,
		},
		{
			name: "with a limit", query: netlink.FilterQuery{Ifindex: 9, Pref: 7, Protocol: netlink.ProtocolAll, Chain: new(uint32)},
			event: netlink.Event{Change: netlink.Replaced, Filter: &netlink.Filter{
				Ifindex: 9, Parent: netlink.Parent(0x10000), Protocol: netlink.ProtocolAll, Pref: 7, Handle: 2, Kind: "bpf",
				BPF: &netlink.BPFFilter{
					Bytecode: []netlink.Instruction{{Code: 6, K: 1}}, SkipHW: true, NotInHW: true,
					Police: &netlink.Police{Index: 3, Rate: 125, Burst: 1024, LinkLayer: netlink.Ethernet, Exceed: netlink.VerdictDrop, Refs: 1, Binds: 2},
				},
			}},
			text: "replaced filter parent 1: bpf handle 0x2 skip_hw not_in_hw bytecode '1,6 0 0 1'\n" +
				" police 0x3 rate 1Kbit burst 1Kb mtu 0b action drop overhead 0b \n\tref 1 bind 2 \n\n",
			brief: "v9 1: pref 7 handle 0x2 classic BPF, 1 instruction\n",
			json: `{"replaced":true,"parent":"1:","kind":"bpf","options":{"handle":"0x2","skip_hw":true,"not_in_hw":true,` +
				`"bytecode":{"length":1,"insns":[{"code":6,"jt":0,"jf":0,"k":1}]},` +
				`"police":{"index":3,"rate":125,"burst":1024,"mtu":0,"exceed":{"type":"drop"},"conform":{"type":"pass"},"overhead":0,"linklayer":"ethernet","ref":1,"bind":2}}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := filterView{programs: subject.NewProgramView(new(env.Env)), query: tt.query, devices: deviceNames{queried: tt.query.Ifindex, known: map[int]string{9: "v9"}}}
			r := v.event(&tt.event)
			for _, form := range []struct {
				options render.Options
				want    string
			}{{render.Options{}, tt.text}, {render.Options{Brief: true}, tt.brief}} {
				var b render.Text
				r.WriteText(&b, form.options)
				if diff := cmp.Diff(form.want, b.String()); diff != "" {
					t.Errorf("%+v (-want +got):\n%s", form.options, diff)
				}
			}
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.json, string(b)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFilterCounters: what a limit has counted stands where tc has it.
func TestFilterCounters(t *testing.T) {
	v := filterView{programs: subject.NewProgramView(new(env.Env)), query: netlink.FilterQuery{Ifindex: 9}, devices: deviceNames{queried: 9, known: map[int]string{9: "v9"}}, stats: true}
	r := v.report(&netlink.Filter{
		Ifindex: 9, Parent: netlink.Ingress, Protocol: netlink.ProtocolAll, Pref: 7, Handle: 2, Kind: "bpf",
		BPF: &netlink.BPFFilter{
			Stats:  &netlink.Stats{Bytes: 84, Packets: 2, Drops: 1, Overlimits: 1},
			Police: &netlink.Police{MTU: 1500, Refs: 1, Binds: 1, Times: &netlink.Times{Installed: 90 * time.Second, FirstUsed: time.Millisecond}},
		},
	})
	var text render.Text
	r.WriteText(&text, render.Options{})
	want := "filter ingress protocol all pref 7 bpf chain 0 handle 0x2 \n police 0x0 rate 0bit burst 0b mtu 1500b action pass overhead 0b \n" +
		"\tref 1 bind 1  installed 90 sec firstused 0 sec\n\n Sent 84 bytes 2 pkts (dropped 1, overlimits 1) \n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	b, err := json.Marshal(r)
	if want := `"installed":90,"first_used":0}},"bytes":84,"packets":2,"dropped":1,"overlimits":1}`; err != nil || !strings.Contains(string(b), want) {
		t.Errorf("JSON %s, %v: want %s", b, err, want)
	}
}
