package linkcmd

import (
	"context"
	"fmt"
	"strconv"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/netlink"
)

type linkShowRequest struct {
	Device string
	Stats  subject.StatsRequest
}

// Show is the command link show, which lists devices with their XDP programs.
func Show() env.Command {
	return env.Command{
		Name:    "link show|list|lst",
		Options: "details statistics brief",
		Default: true,
		Summary: "show devices and the XDP programs that are attached to them",
		Description: `Shows every device of the network namespace, or one, in the form of ip-link(8), with the program of each XDP mode: its id, name, tag, load time (nanoseconds since boot), the ids of its maps, the paths at which it is pinned, and the bpf_link that holds it there. -statistics adds the counters of the device, and how often the programs have run.

A plain user sees the ids of programs only.`,
		Examples: []grammar.Example{
			{Line: "xdpload -json link show dev eth0", Help: "one device, for a script"},
			{Line: "xdpload -brief link", Help: "one line for each device"},
		},
		New: env.New(func(r *linkShowRequest) *grammar.Node {
			return grammar.Any(subject.DeviceGrammar(&r.Device), r.Stats.Grammar())
		}),
	}
}

func (r *linkShowRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	counted, err := r.Stats.Count(ctx, e)
	if err != nil {
		return nil, err
	}
	links, known, err := r.links(e)
	view := linkView{ProgramView: subject.NewProgramView(e), statistics: e.Statistics, known: known, conn: e.Conn}
	view.Counted = counted
	list := make(render.List[*linkReport], 0, len(links))
	for _, l := range links {
		list = append(list, view.report(l))
	}
	return list, env.About(r.Device, err)
}

// links returns the devices to show, and those by index that they refer to.
func (r *linkShowRequest) links(e *env.Env) (show []*netlink.Link, known map[int]*netlink.Link, err error) {
	known = make(map[int]*netlink.Link)
	if r.Device != "" {
		conn, dev, err := e.Link(r.Device)
		if err != nil {
			return nil, nil, err
		}
		for _, index := range []int{dev.PeerIndex, dev.Master} {
			if index == 0 {
				continue
			}
			if l, err := conn.LinkByIndex(index); err == nil { // it may be in another namespace
				known[index] = l
			}
		}
		return []*netlink.Link{dev}, known, nil
	}
	conn, err := e.Netlink()
	if err != nil {
		return nil, nil, err
	}
	show, err = subject.Collect(conn.Links(), nil)
	for _, l := range show {
		known[l.Index] = l
	}
	return show, known, err
}

// linkView is what the report on a device is made with.
type linkView struct {
	subject.ProgramView
	statistics bool
	known      map[int]*netlink.Link
	conn       *netlink.Conn
	namespaces subject.NetNSNames
}

// linkReport has the keys of `ip -json link`, and beside them ours.
type linkReport struct {
	Ifindex   int        `json:"ifindex"`
	LinkIndex int        `json:"link_index,omitempty"`
	Link      string     `json:"link,omitempty"`
	Name      string     `json:"ifname"`
	Flags     []string   `json:"flags"`
	MTU       uint32     `json:"mtu"`
	XDP       *xdpReport `json:"xdp,omitempty"`
	Qdisc     string     `json:"qdisc,omitempty" text:"qdisc %s "`
	Master    string     `json:"master,omitempty" text:"master %s "`
	State     string     `json:"operstate" always:"state %s "`
	LinkMode  string     `json:"linkmode" always:"mode %s "`
	Group     string     `json:"group" always:"group %s "`
	TxQueue   uint32     `json:"txqlen,omitempty" text:"qlen %d"`
	Type      string     `json:"link_type" always:"\n    link/%s"`
	Address   string     `json:"address,omitempty" text:" %s"`
	Broadcast string     `json:"broadcast,omitempty" text:" brd %s"`
	NetNSID   *int32     `json:"link_netnsid,omitempty"`
	NetNS     string     `json:"link_netns,omitempty"`
	Elsewhere string     `json:"-" text:" %s"` // NetNS or NetNSID
	*linkDetails
	AltNames []string   `json:"altnames,omitempty" text:"\n    altname %s"`
	Stats    *linkStats `json:"stats64,omitempty"`

	foreign bool
}

// linkDetails is what -details adds.
type linkDetails struct {
	Promiscuity    uint32               `json:"promiscuity" always:" promiscuity %d"`
	AllMulti       *uint32              `json:"allmulti,omitempty" text:" allmulti %d"`
	MinMTU         uint32               `json:"min_mtu" always:" minmtu %d"`
	MaxMTU         uint32               `json:"max_mtu" always:" maxmtu %d"`
	NetNSImmutable bool                 `json:"netns-immutable,omitempty" text:" netns-immutable"`
	Info           *linkInfo            `json:"linkinfo,omitempty" text:" \n    %v"`
	AddrGen        *netlink.AddrGenMode `json:"inet6_addr_gen_mode,omitempty" text:" addrgenmode %v"`
	TxQueues       uint32               `json:"num_tx_queues" always:" numtxqueues %d"`
	RxQueues       uint32               `json:"num_rx_queues" always:" numrxqueues %d"`
	GSOMaxSize     uint32               `json:"gso_max_size" always:" gso_max_size %d"`
	GSOMaxSegs     uint32               `json:"gso_max_segs" always:" gso_max_segs %d"`
	TSOMaxSize     uint32               `json:"tso_max_size,omitempty" text:" tso_max_size %d"`
	TSOMaxSegs     uint32               `json:"tso_max_segs,omitempty" text:" tso_max_segs %d"`
	GROMaxSize     uint32               `json:"gro_max_size,omitempty" text:" gro_max_size %d"`
	GSOIPv4MaxSize uint32               `json:"gso_ipv4_max_size,omitempty" text:" gso_ipv4_max_size %d"`
	GROIPv4MaxSize uint32               `json:"gro_ipv4_max_size,omitempty" text:" gro_ipv4_max_size %d"`

	_ int `always:" "`
}

type linkInfo struct {
	Kind   string         `json:"info_kind" always:"%s"`
	Netkit *netkitDetails `json:"info_data,omitempty" text:" %v"`
}

func (i *linkInfo) String() string { return render.Fields(i) }

// xdpReport is the XDP state of a device. Mode is iproute2's number of it.
type xdpReport struct {
	Mode     uint32                   `json:"mode"`
	ModeName *netlink.XDPMode         `json:"mode_name,omitempty"`
	Program  *subject.AttachedProgram `json:"prog,omitempty"`
	Attached []xdpAttached            `json:"attached"`
}

type xdpAttached struct {
	Mode     uint32                   `json:"mode"`
	ModeName *netlink.XDPMode         `json:"mode_name,omitempty"`
	Program  *subject.AttachedProgram `json:"prog"`
	LinkID   uint32                   `json:"bpf_link_id,omitempty"`
}

// linkTypes are the names that ip gives to ARPHRD_* numbers, of the devices
// that are met (include/uapi/linux/if_arp.h).
var linkTypes = [...]struct {
	number uint16
	name   string
}{
	{1, "ether"},
	{32, "infiniband"},
	{512, "ppp"},
	{768, "ipip"},
	{769, "tunnel6"},
	{772, "loopback"},
	{776, "sit"},
	{778, "gre"},
	{783, "irda"},
	{801, "ieee802.11"},
	{803, "ieee802.11/radiotap"},
	{823, "gre6"},
	{824, "netlink"},
	{65534, "none"},
	{65535, "void"},
}

func linkType(number uint16) string {
	for _, t := range linkTypes {
		if t.number == number {
			return t.name
		}
	}
	return "[" + strconv.Itoa(int(number)) + "]"
}

func (v *linkView) report(l *netlink.Link) *linkReport {
	r := &linkReport{
		Ifindex: l.Index, Name: l.Name, Flags: l.Flags.Names(), MTU: l.MTU,
		Qdisc: l.Qdisc, State: l.State.String(), LinkMode: "DEFAULT", Group: groupName(l.Group),
		TxQueue: l.TxQueueLen, Type: linkType(l.Type), Address: l.HardwareAddr.String(), Broadcast: l.Broadcast.String(),
		AltNames: l.AltNames, foreign: v.Foreign,
	}
	if l.LinkMode == 1 {
		r.LinkMode = "DORMANT"
	}
	if v.statistics {
		r.Stats = reportLinkStats(&l.Stats)
	}
	v.neighbours(r, l)
	v.elsewhere(r, l.PeerNetNSID)
	if l.XDP.Attached() {
		r.XDP = v.xdp(l)
	}
	if v.Details {
		r.linkDetails = details(l)
	}
	return r
}

// neighbours names the device below or opposite, and the owner.
func (v *linkView) neighbours(r *linkReport, l *netlink.Link) {
	if master := v.known[l.Master]; master != nil {
		r.Master = master.Name
	}
	peer := v.known[l.PeerIndex]
	switch {
	case l.PeerIndex == 0:
	case peer == nil || l.PeerNetNSID != nil:
		r.LinkIndex = l.PeerIndex
	default:
		r.Link = peer.Name
		if !peer.Flags.Up() {
			r.Flags = append(r.Flags, "M-DOWN")
		}
	}
}

// elsewhere names the namespace of the device below or opposite, where that is another.
func (v *linkView) elsewhere(r *linkReport, id *int32) {
	if id == nil {
		return
	}
	name := v.namespaces.Name(v.conn, *id)
	r.NetNSID = id
	switch {
	case name != "":
		r.Elsewhere = "link-netns " + name
	case *id < 0: // there is one that this one has no number for
		r.Elsewhere = "link-netnsid unknown"
	default:
		r.Elsewhere = fmt.Sprintf("link-netnsid %d", *id)
	}
	if !v.Foreign { // scripts of ip read the number
		r.NetNS = name
	}
}

func details(l *netlink.Link) *linkDetails {
	d := &linkDetails{
		Promiscuity: l.Promiscuity, AllMulti: l.AllMulti, MinMTU: l.MinMTU, MaxMTU: l.MaxMTU,
		TxQueues: l.TxQueues, RxQueues: l.RxQueues, GSOMaxSize: l.GSOMaxSize, GSOMaxSegs: l.GSOMaxSegs,
		TSOMaxSize: l.TSOMaxSize, TSOMaxSegs: l.TSOMaxSegs, GROMaxSize: l.GROMaxSize,
		GSOIPv4MaxSize: l.GSOIPv4MaxSize, GROIPv4MaxSize: l.GROIPv4MaxSize,
		NetNSImmutable: l.NetNSImmutable, AddrGen: l.AddrGen,
	}
	if l.Kind != "" {
		d.Info = &linkInfo{Kind: l.Kind, Netkit: reportNetkit(l.Netkit)}
	}
	return d
}

func groupName(g uint32) string {
	if g == 0 {
		return "default"
	}
	return strconv.FormatUint(uint64(g), 10)
}

func (v *linkView) xdp(l *netlink.Link) *xdpReport {
	x := &xdpReport{Mode: uint32(l.XDP.Mode)}
	for _, a := range v.XDP(l) {
		one := xdpAttached{Mode: uint32(a.Mode), Program: v.Attached(&a.Program)}
		if !v.Foreign {
			one.ModeName = &a.Mode
		}
		if a.Link != nil && !v.Foreign {
			one.LinkID = a.Link.ID
		}
		x.Attached = append(x.Attached, one)
	}
	if !v.Foreign {
		x.ModeName = &l.XDP.Mode
	}
	if len(x.Attached) == 1 {
		x.Program = x.Attached[0].Program
	}
	return x
}
