package tccmd

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

func parseActions(line string) (actions []*actionRequest, err error) {
	err = grammar.Parse(grammar.Any(actionGrammar(&actions)), strings.Fields(line), nil)
	return actions, err
}

// TestActions: what the words of an action ask for, as tc prints it and in JSON, also
// of kinds that not every kernel has.
func TestActions(t *testing.T) {
	for _, tt := range []struct{ words, text, json string }{
		{
			"action drop", "gact action drop\n\t random type none pass val 0\n\t index 0 ref 0 bind 0\n",
			`{"order":1,"kind":"gact","control_action":{"type":"drop"},"prob":{"random_type":"none","control_action":{"type":"pass"},"val":0},"index":0,"ref":0,"bind":0}`,
		},
		{
			"action gact goto chain 7 index 5 cookie 0aFF", "gact action goto chain 7\n\t random type none pass val 0\n\t index 5 ref 0 bind 0\n\tcookie 0aff\n",
			`{"order":1,"kind":"gact","control_action":{"type":"goto","chain":7},"prob":{"random_type":"none","control_action":{"type":"pass"},"val":0},"index":5,"ref":0,"bind":0,"cookie":"0aff"}`,
		},
		{
			"action jump 3", "gact action jump 3\n\t random type none pass val 0\n\t index 0 ref 0 bind 0\n",
			`{"order":1,"kind":"gact","control_action":{"type":"jump","jump":3},"prob":{"random_type":"none","control_action":{"type":"pass"},"val":0},"index":0,"ref":0,"bind":0}`,
		},
		{
			"action pass random determ drop 10", "gact action pass\n\t random type determ drop val 10\n\t index 0 ref 0 bind 0\n",
			`{"order":1,"kind":"gact","control_action":{"type":"pass"},"prob":{"random_type":"determ","control_action":{"type":"drop"},"val":10},"index":0,"ref":0,"bind":0}`,
		},
		{
			"action pass random netrand pipe 3", "gact action pass\n\t random type netrand pipe val 3\n\t index 0 ref 0 bind 0\n",
			`{"order":1,"kind":"gact","control_action":{"type":"pass"},"prob":{"random_type":"netrand","control_action":{"type":"pipe"},"val":3},"index":0,"ref":0,"bind":0}`,
		},
		{
			"action mirred ingress redirect dev v9 skip_hw no_percpu", "mirred (Ingress Redirect to device v9) stolen\n\tindex 0 ref 0 bind 0\n\tno_percpu\tskip_hw\n",
			`{"order":1,"kind":"mirred","mirred_action":"redirect","direction":"ingress","to_dev":"v9","control_action":{"type":"stolen"},"index":0,"ref":0,"bind":0,"no_percpu":true,"skip_hw":true}`,
		},
		{
			"action mirred egress mirror dev v9 skip_sw hw_stats delayed", "mirred (Egress Mirror to device v9) pipe\n\tindex 0 ref 0 bind 0\n\tskip_sw\n\thw_stats delayed\n",
			`{"order":1,"kind":"mirred","mirred_action":"mirror","direction":"egress","to_dev":"v9","control_action":{"type":"pipe"},"index":0,"ref":0,"bind":0,"skip_sw":true,"hw_stats":["delayed"]}`,
		},
		{
			"action mirred egress mirror blockid 22 index 4", "mirred (Egress Mirror to blockid 22) pipe\n\tindex 4 ref 0 bind 0\n",
			`{"order":1,"kind":"mirred","mirred_action":"mirror","direction":"egress","to_blockid":22,"control_action":{"type":"pipe"},"index":4,"ref":0,"bind":0}`,
		},
		{
			"action police rate 8mbit burst 10k conform-exceed drop/pipe mtu 2k overhead 24 linklayer atm index 4",
			" police 0x4 rate 8Mbit burst 10Kb mtu 2Kb action drop/pipe overhead 24b linklayer atm \n\tref 0 bind 0 \n",
			`{"order":1,"kind":"police","control_action":{"type":"drop"},"police":{"index":4,"rate":1000000,"burst":10240,"mtu":2048,"exceed":{"type":"drop"},"conform":{"type":"pipe"},"overhead":24,"linklayer":"atm","ref":0,"bind":0},"index":0,"ref":0,"bind":0}`,
		},
		{
			"action police pkts_rate 100 pkts_burst 20 linklayer ethernet drop",
			" police 0x0 rate 0bit burst 0b mtu 0b pkts_rate 100 pkts_burst 20 action drop overhead 0b \n\tref 0 bind 0 \n",
			`{"order":1,"kind":"police","control_action":{"type":"drop"},"police":{"index":0,"rate":0,"burst":0,"mtu":0,"pkts_rate":100,"pkts_burst":20,"exceed":{"type":"drop"},"conform":{"type":"pass"},"overhead":0,"linklayer":"ethernet","ref":0,"bind":0},"index":0,"ref":0,"bind":0}`,
		},
		{
			"action police rate 1mbit burst 5k mtu 1500 peakrate 2mbit avrate 1mbit linklayer ethernet",
			" police 0x0 rate 1Mbit burst 5Kb mtu 1500b peakrate 2Mbit avrate 1Mbit action reclassify overhead 0b \n\tref 0 bind 0 \n",
			`{"order":1,"kind":"police","control_action":{"type":"reclassify"},"police":{"index":0,"rate":125000,"burst":5120,"mtu":1500,"peakrate":250000,"avrate":125000,"exceed":{"type":"reclassify"},"conform":{"type":"pass"},"overhead":0,"linklayer":"ethernet","ref":0,"bind":0},"index":0,"ref":0,"bind":0}`,
		},
	} {
		t.Run(tt.words, func(t *testing.T) {
			requests, err := parseActions(tt.words)
			if err != nil || len(requests) != 1 {
				t.Fatalf("%d actions, %v", len(requests), err)
			}
			a := requests[0].Action
			if a.Mirred != nil {
				a.Mirred.Ifindex = 9 // which the look-up of the name finds
			}
			if a.Police != nil {
				a.Verdict = a.Police.Exceed // as the kernel answers
			}
			v := filterView{devices: deviceNames{known: map[int]string{9: "v9"}}}
			r := v.actions(1, true, []*netlink.Action{&a})[0]
			var text render.Text
			r.Write(&text)
			if diff := cmp.Diff("\taction order 1: "+tt.text, text.String()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			got, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.json, string(got)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}

// TestActionList: each action of a line has what stands behind its word, and no more.
func TestActionList(t *testing.T) {
	all, err := parseActions("action bpf pinned /sys/fs/bpf/a action bpf pinned /sys/fs/bpf/b index 2 action police rate 8 burst 1 mpu 64 action police rate 16 burst 2 drop")
	if err != nil || len(all) != 4 {
		t.Fatalf("%d actions, %v", len(all), err)
	}
	if a, b := all[0], all[1]; a.Code.Program.Loaded.Pinned != "/sys/fs/bpf/a" || b.Code.Program.Loaded.Pinned != "/sys/fs/bpf/b" || a.Index != 0 || b.Index != 2 {
		t.Errorf("programs %+v and %+v", a, b)
	}
	if a, b := all[2].Police, all[3].Police; a.Rate != 1 || b.Rate != 2 || a.MPU != 64 || b.MPU != 0 || a.Exceed != netlink.VerdictReclassify || b.Exceed != netlink.VerdictDrop {
		t.Errorf("limits %+v and %+v", a, b)
	}
	for line, want := range map[string]string{
		"action bpf":                         "no program",
		"action gact":                        "expected ",
		"action mirred":                      "expected ",
		"action mirred index 0":              "invalid value",
		"action index 5":                     "unexpected",
		"action police drop":                 "expected rate RATE",
		"action police rate 1mbit":           "rate and burst go together",
		"action police pkts_burst 1 index 1": "pkts_rate and pkts_burst go together",
		"action police rate 8 burst 1 pkts_rate 1 pkts_burst 1": "exclude each other",
		"action police rate 8 burst 1 peakrate 16":              "peakrate needs rate and mtu",
		"action drop cookie abc":                                "1 to 16 bytes",
		"action drop cookie " + strings.Repeat("00", 17):        "1 to 16 bytes",
		"action jump 268435456":                                 "268435455",
	} {
		if _, err := parseActions(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// TestActionOrder: a verdict after an index, or after all that a kind has, is an action of
// its own, as for tc of iproute2 6.1 and 7.3 (seen with strace).
func TestActionOrder(t *testing.T) {
	for line, want := range map[string]string{
		"action bpf pinned p ok index 9":                                     "bpf 9 pass",
		"action bpf pinned p index 9 ok":                                     "bpf 9 pipe, gact 0 pass",
		"action bpf index 9 drop index 4":                                    "bpf 9 pipe, gact 4 drop",
		"action mirred egress mirror dev lo ok index 5":                      "mirred 5 pass",
		"action mirred egress mirror dev lo index 5 ok":                      "mirred 5 pipe, gact 0 pass",
		"action mirred egress mirror index 5 dev lo goto chain 2":            "mirred 5 goto chain 2",
		"action mirred egress redirect dev lo drop":                          "mirred 0 stolen, gact 0 drop",
		"action mirred egress redirect index 5 dev lo":                       "mirred 5 stolen",
		"action mirred index 7 action gact index 8":                          "mirred 7 pass, gact 8 pass",
		"action drop index 5 ok":                                             "gact 5 drop, gact 0 pass",
		"action drop cookie aa ok":                                           "gact 0 drop, gact 0 pass",
		"action ok random determ drop 3 index 5":                             "gact 5 pass",
		"action gact drop mirred index 3 police index 4 bpf index 6 gact ok": "gact 0 drop, mirred 3 pass, police 4 pass, bpf 6 pipe, gact 0 pass",
	} {
		requests, err := parseActions(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		var got []string
		for _, r := range requests {
			index := r.Index
			if r.Police != nil {
				index = r.Police.Index
			}
			got = append(got, fmt.Sprintf("%s %d %v", r.Kind, index, reportVerdict(r.Verdict)))
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	last, err := parseActions("action police index 3 ok drop cookie aa")
	if err != nil || len(last) != 1 || last[0].Police.Exceed != netlink.VerdictDrop || len(last[0].Cookie) != 1 {
		t.Errorf("the last verdict of a limit is not the one that counts: %v", err)
	}
}

// TestActionCounters: what the kernel says of an action that is there.
func TestActionCounters(t *testing.T) {
	count, used := uint32(1), netlink.HWStatsImmediate|netlink.HWStatsDelayed
	v := filterView{stats: true}
	r := v.actions(2, true, []*netlink.Action{{
		Kind: "gact", Verdict: netlink.VerdictDrop, Index: 3, Refs: 2, Binds: 1, InHWCount: &count, UsedHWStats: &used,
		Stats: &netlink.Stats{Bytes: 1, Packets: 2, Drops: 3, Overlimits: 4, Requeues: 5, Backlog: 6, QueueLen: 7},
		Times: &netlink.Times{Installed: 90 * time.Second, LastUsed: 1999 * time.Millisecond, FirstUsed: 3 * time.Second, Expires: 4 * time.Second},
	}})[0]
	var text render.Text
	r.Write(&text)
	want := "\taction order 2: gact action drop\n\t random type none pass val 0\n\t index 3 ref 2 bind 1 installed 90 sec used 1 sec firstused 3 sec expires 4 sec\n" +
		"\tAction statistics:\n\tSent 1 bytes 2 pkt (dropped 3, overlimits 4 requeues 5) \n\tbacklog 6b 7p requeues 5\n" +
		"\tin_hw in_hw_count 1\n\tused_hw_stats immediate delayed\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	b, err := json.Marshal(r)
	const wantJSON = `{"order":2,"kind":"gact","control_action":{"type":"drop"},"prob":{"random_type":"none","control_action":{"type":"pass"},"val":0},"index":3,"ref":2,"bind":1,"installed":90,"last_used":1,"first_used":3,"expires":4,` +
		`"stats":{"bytes":1,"packets":2,"drops":3,"overlimits":4,"requeues":5,"backlog":6,"qlen":7},"in_hw":true,"in_hw_count":1,"used_hw_stats":["immediate","delayed"]}`
	if diff := cmp.Diff(wantJSON, string(b)); err != nil || diff != "" {
		t.Errorf("JSON (-want +got), %v:\n%s", err, diff)
	}
}

// TestActionEvent: a monitor says what became of actions, to who calls tc as that does.
func TestActionEvent(t *testing.T) {
	v := filterView{devices: deviceNames{known: map[int]string{9: "v9"}}}
	actions := v.actions(1, true, []*netlink.Action{{Kind: "mirred", Verdict: netlink.VerdictStolen, Mirred: &netlink.Mirred{Ifindex: 9}, Index: 3}})
	const action = "\n\taction order 1: mirred (Egress Redirect to device v9) stolen\n\tindex 3 ref 0 bind 0\n"
	for _, tt := range []struct {
		change    netlink.Change
		ours, tcs string
	}{
		{netlink.Added, "added action\n", "total acts 0\nAdded action "},
		{netlink.Replaced, "replaced action\n", "total acts 0\nReplaced action "},
		{netlink.Deleted, "deleted action\n", "total acts 0\nDeleted action "},
	} {
		for foreign, head := range map[bool]string{false: tt.ours, true: tt.tcs} {
			var text render.Text
			(&actionEvent{changedBy(tt.change), actions, foreign}).WriteText(&text, render.Options{})
			if diff := cmp.Diff(head+action, text.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		}
	}
}
