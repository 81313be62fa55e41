package tccmd

import (
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
	Block     uint32 `json:"to_blockid,omitempty"`

	Control     *controlReport     `json:"control_action,omitempty"`
	Probability *probabilityReport `json:"prob,omitempty"`   // gact
	Police      *policeReport      `json:"police,omitempty"` // police
	actionUse
	Stats  *statsReport `json:"stats,omitempty"`
	Cookie string       `json:"cookie,omitempty"`
	actionFlags
	HWStats     []string `json:"hw_stats,omitempty"`
	UsedHWStats []string `json:"used_hw_stats,omitempty"`
}

// actionUse is who uses the action, and with statistics since when.
type actionUse struct {
	Index uint32 `json:"index" always:"index %d"`
	Refs  int32  `json:"ref" always:" ref %d"`
	Binds int32  `json:"bind" always:" bind %d"`
	*timesReport
}

// actionFlags are as tc prints them on a line of their own.
type actionFlags struct {
	NoPerCPU  bool   `json:"no_percpu,omitempty" text:"\tno_percpu"`
	SkipHW    bool   `json:"skip_hw,omitempty" text:"\tskip_hw"`
	SkipSW    bool   `json:"skip_sw,omitempty" text:"\tskip_sw"`
	InHW      bool   `json:"in_hw,omitempty" text:"\tin_hw"`
	InHWCount uint32 `json:"in_hw_count,omitempty" text:" in_hw_count %d"`
	NotInHW   bool   `json:"not_in_hw,omitempty" text:"\tnot_in_hw"`
}

// controlReport is a verdict.
type controlReport struct {
	Type  string  `json:"type" text:"%s"`
	Chain *uint32 `json:"chain,omitempty" text:" chain %d"`
	Jump  *uint32 `json:"jump,omitempty" text:" %d"`
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

func (c *controlReport) String() string { return render.Fields(c) }

type probabilityReport struct {
	Type    string         `json:"random_type" text:"\t random type %s"`
	Control *controlReport `json:"control_action" text:" %v"`
	N       uint16         `json:"val" always:" val %d\n"`
}

// timesReport is in seconds, as tc has it; what never was is left out.
type timesReport struct {
	Installed *int64 `json:"installed,omitempty" text:" installed %d sec"`
	LastUsed  *int64 `json:"last_used,omitempty" text:" used %d sec"`
	FirstUsed *int64 `json:"first_used,omitempty" text:" firstused %d sec"`
	Expires   *int64 `json:"expires,omitempty" text:" expires %d sec"`
}

// seconds is nil for no time at all.
func seconds(d time.Duration) *int64 {
	if d == 0 {
		return nil
	}
	return new(int64(d / time.Second))
}

// actions numbers what filters run, or share, from first on. Of what they share tc says
// whether a device runs it, or shall.
func (v *filterView) actions(first int, shared bool, actions []*netlink.Action) []*actionReport {
	var out []*actionReport
	for i, a := range actions {
		r := v.action(a, shared)
		r.Order = first + i
		out = append(out, r)
	}
	return out
}

func (v *filterView) action(a *netlink.Action, shared bool) *actionReport {
	r := &actionReport{
		Kind: a.Kind, actionUse: actionUse{Index: a.Index, Refs: a.Refs, Binds: a.Binds},
		Cookie: hex.EncodeToString(a.Cookie), Control: reportVerdict(a.Verdict),
		actionFlags: actionFlags{NoPerCPU: a.NoPerCPU, SkipHW: a.SkipHW && shared, SkipSW: a.SkipSW && shared},
	}
	if n := a.InHWCount; n != nil && shared && !a.SkipHW {
		r.InHW, r.InHWCount, r.NotInHW = *n > 0, *n, *n == 0
	}
	r.HWStats = hwStats(a.HWStats)
	if a.UsedHWStats != nil {
		r.UsedHWStats = hwStats(*a.UsedHWStats)
	}
	if v.stats {
		r.Stats = (*statsReport)(a.Stats)
	}
	r.timesReport = v.times(a.Times)
	switch {
	case a.Mirred != nil:
		r.mirred(a.Mirred, &v.devices)
	case a.BPF != nil:
		r.Name, r.Bytecode = a.BPF.Name, subject.ReportBytecode(a.BPF.Bytecode)
		r.Program, r.Tag = v.Program(a.BPF.ProgramID, a.BPF.Tag)
	case a.Police != nil:
		r.Police = v.police(a.Police)
	case a.Kind == "gact":
		r.Probability = reportRandom(a.Random)
	}
	return r
}

// reportRandom is as tc has it also where there is nothing random.
func reportRandom(r *netlink.Random) *probabilityReport {
	switch {
	case r == nil:
		return &probabilityReport{"none", reportVerdict(netlink.VerdictPass), 0}
	case r.Deterministic:
		return &probabilityReport{"determ", reportVerdict(r.Verdict), r.N}
	}
	return &probabilityReport{"netrand", reportVerdict(r.Verdict), r.N}
}

// times are a part of the statistics.
func (v *filterView) times(t *netlink.Times) *timesReport {
	if t == nil || !v.stats {
		return nil
	}
	return &timesReport{seconds(t.Installed), seconds(t.LastUsed), seconds(t.FirstUsed), seconds(t.Expires)}
}

func (r *actionReport) mirred(m *netlink.Mirred, devices *deviceNames) {
	r.Mirred, r.Direction, r.Block = "redirect", "egress", m.Block
	if m.Block == 0 {
		r.Device = devices.always(m.Ifindex)
	}
	if m.Mirror {
		r.Mirred = "mirror"
	}
	if m.Ingress {
		r.Direction = "ingress"
	}
}

// Write prints an action as tc does.
func (r *actionReport) Write(t *render.Text) {
	t.Printf("\taction order %d: ", r.Order)
	switch r.Kind {
	case "mirred":
		to := "device " + r.Device
		if r.Block != 0 {
			to = fmt.Sprintf("blockid %d", r.Block)
		}
		t.Printf("mirred (%s %s to %s) %v\n", subject.Capital(r.Direction), subject.Capital(r.Mirred), to, r.Control)
		r.writeUse(t, "\t")
	case "bpf":
		t.WriteString("bpf ")
		t.If(r.Name != "", "%s ", r.Name)
		t.If(r.Bytecode != nil, "bytecode '%v' ", r.Bytecode)
		writeTC(r.Program, t, r.Tag)
		t.Printf("default-action %v\n", r.Control)
		r.writeUse(t, "\t ")
		t.WriteByte(' ') // so does tc
	case "police":
		r.Police.Write(t)
	default:
		t.Printf("%s action %v\n", r.Kind, r.Control)
		if r.Probability != nil {
			t.Fields(r.Probability)
		}
		r.writeUse(t, "\t ")
	}
	if r.Stats != nil {
		t.WriteString("\tAction statistics:\n")
		r.Stats.Write(t, "\t")
	}
	r.writeFlags(t)
}

func (r *actionReport) writeUse(t *render.Text, indent string) {
	t.WriteString(indent)
	t.Fields(&r.actionUse)
	t.WriteByte('\n')
}

func (r *actionReport) writeFlags(t *render.Text) {
	t.If(r.Cookie != "", "\tcookie %s\n", r.Cookie)
	if r.actionFlags != (actionFlags{}) {
		t.Fields(&r.actionFlags)
		t.WriteString("\n")
	}
	t.If(r.HWStats != nil, "\thw_stats %s\n", strings.Join(r.HWStats, " "))
	t.If(r.UsedHWStats != nil, "\tused_hw_stats %s\n", strings.Join(r.UsedHWStats, " "))
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
