package offloadcmd

import (
	"cmp"
	"context"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
)

// Show is the command offload show, which says what devices can run.
func Show() env.Command {
	return env.Command{
		Name:        "offload show",
		Default:     true,
		Summary:     "show what a device can run",
		Description: `Asks a device for its driver and firmware, the XDP features of its driver (Linux 6.3), the programs that it runs in each mode, its queues and MTU, and the settings that are in the way of programs. "xdpload features" lists the drivers that are known.`,
		Examples: []grammar.Example{
			{Line: "xdpload -json offload show dev eth0", Help: "what eth0 can do, for a script"},
		},
		New: func() (*grammar.Node, env.Request) {
			var name string
			return subject.DeviceGrammar(&name), env.Runner(func(_ context.Context, e *env.Env) (any, error) {
				report, err := showOffload(e, name)
				return report, env.About(name, err)
			})
		},
	}
}

// offloadReport is what a device can do. Sizes are bytes.
type offloadReport struct {
	Device    string           `json:"device"`
	Ifindex   int              `json:"ifindex"`
	Driver    string           `json:"driver"`
	Firmware  string           `json:"firmware,omitempty"`
	Features  []string         `json:"xdp_features"` // null: the kernel does not tell
	Segments  uint32           `json:"xdp_zc_max_segs,omitempty"`
	Metadata  []string         `json:"xdp_rx_metadata_features,omitempty"`
	XSK       []string         `json:"xsk_features,omitempty"`
	Mode      netlink.XDPMode  `json:"xdp_mode,omitzero"` // missing: no program
	Programs  []offloadProgram `json:"programs,omitempty"`
	MTU       uint32           `json:"mtu" always:"    mtu %d"`
	MaxMTU    uint32           `json:"max_mtu,omitempty" text:" max %d"`
	XDPMTU    uint32           `json:"max_xdp_mtu,omitempty" text:" with xdp %d"` // without frags
	OfPeer    bool             `json:"max_xdp_mtu_of_peer,omitempty" text:" of the peer"`
	RxQueues  uint32           `json:"rx_queues" always:"\n    queues rx %d"`
	TxQueues  uint32           `json:"tx_queues" always:" tx %d"`
	Channels  *offload.Queues  `json:"channels,omitempty"`
	LRO       bool             `json:"lro"`
	TCOffload bool             `json:"hw_tc_offload"`
}

type offloadProgram struct {
	Mode netlink.XDPMode `json:"mode"`
	ID   uint32          `json:"id"`
}

// probe asks a device for what it can do.
func probe(e *env.Env, name string) (*offload.Device, error) {
	conn, dev, err := e.Link(name)
	if err != nil {
		return nil, err
	}
	return offload.Probe(conn, dev.Index)
}

func showOffload(e *env.Env, name string) (*offloadReport, error) {
	d, err := probe(e, name)
	if err != nil {
		return nil, err
	}
	l := d.Link
	r := &offloadReport{
		Device: l.Name, Ifindex: l.Index, Driver: d.Driver, Firmware: d.Firmware, Mode: l.XDP.Mode,
		MTU: l.MTU, MaxMTU: l.MaxMTU, RxQueues: l.RxQueues, TxQueues: l.TxQueues, Channels: d.Queues,
		LRO: d.LRO, TCOffload: d.TCOffload,
	}
	if f := d.Features; f != nil {
		r.Features = append([]string{}, f.XDP.Names()...)
		r.Segments, r.Metadata, r.XSK = f.ZeroCopySegments, f.RxMetadata.Names(), f.XSK.Names()
	}
	for _, p := range l.XDP.Programs {
		r.Programs = append(r.Programs, offloadProgram(p))
	}
	if known := d.Known(); known != nil {
		r.XDPMTU, r.OfPeer = known.MTU, known.OfPeer
	}
	return r, nil
}

// WriteText prints a line for each kind of answer.
func (r *offloadReport) WriteText(t *render.Text, _ render.Options) {
	t.Printf("%d: %s: driver %s", r.Ifindex, r.Device, cmp.Or(r.Driver, "-"))
	t.If(r.Firmware != "", " firmware %s", r.Firmware)
	t.WriteByte('\n')
	if r.Features == nil {
		t.WriteString("    xdp-features unknown: the kernel reports them since Linux 6.3\n")
	} else {
		t.Printf("    xdp-features %s\n", cmp.Or(strings.Join(r.Features, " "), "-"))
		t.Printf("    rx-metadata %s xsk %s zc-max-segs %d\n",
			cmp.Or(strings.Join(r.Metadata, ","), "-"), cmp.Or(strings.Join(r.XSK, ","), "-"), r.Segments)
	}
	for _, p := range r.Programs {
		t.Printf("    %s program id %d\n", p.Mode.Keyword(), p.ID)
	}
	t.Fields(r)
	if c := r.Channels; c != nil {
		t.Printf(" in use rx %d tx %d combined %d", c.Rx, c.Tx, c.Combined)
	}
	t.Printf("\n    lro %s hw-tc-offload %s\n", onOff(r.LRO), onOff(r.TCOffload))
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
