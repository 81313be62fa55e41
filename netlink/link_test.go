package netlink

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/need"
	"github.com/xdpload/xdpload/internal/testdev"
)

func TestLinkRequests(t *testing.T) {
	const zero = "00000000 00000000 00000000 00000000 "
	tests := []struct {
		name string
		r    request
		want string
	}{
		{"short name", linkByNameRequest("va"), zero + "08001d00 08000000 07000300 76610000"},
		{
			"15 bytes", linkByNameRequest("abcdefghijklmno"),
			zero + "08001d00 08000000 14000300 6162636465666768696a6b6c6d6e6f00",
		},
		{
			"16 bytes", linkByNameRequest("abcdefghijklmnop"),
			zero + "08001d00 08000000 15003500 6162636465666768696a6b6c6d6e6f7000000000",
		},
		{"index", linkByIndexRequest(3), "00000000 03000000 00000000 00000000 08001d00 08000000"},
		{"all", linksRequest(), zero + "08001d00 08000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.r.typ != unix.RTM_GETLINK {
				t.Errorf("type %#x", tt.r.typ)
			}
			if diff := cmp.Diff(unhex(t, tt.want), tt.r.b); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// ipLink is what `ip -j -d link` says of a device.
type ipLink struct {
	Ifindex     int
	Ifname      string
	AltNames    []string `json:"altnames"`
	LinkIndex   int      `json:"link_index"`
	Link        string
	Flags       []string
	MTU         uint32
	Qdisc       string
	Operstate   OperState
	Master      string
	TxQLen      uint32 `json:"txqlen"`
	Address     string
	Broadcast   string
	Promiscuity uint32
	AllMulti    *uint32
	MinMTU      uint32 `json:"min_mtu"`
	MaxMTU      uint32 `json:"max_mtu"`
	LinkInfo    struct {
		Kind string `json:"info_kind"`
	}
	TxQueues   uint32       `json:"num_tx_queues"`
	RxQueues   uint32       `json:"num_rx_queues"`
	GSOMaxSize uint32       `json:"gso_max_size"`
	GSOMaxSegs uint32       `json:"gso_max_segs"`
	TSOMaxSize uint32       `json:"tso_max_size"`
	TSOMaxSegs uint32       `json:"tso_max_segs"`
	GROMaxSize uint32       `json:"gro_max_size"`
	AddrGen    *AddrGenMode `json:"inet6_addr_gen_mode"`
}

func (l *Link) asIP(names map[int]string) ipLink {
	j := ipLink{
		Ifindex: l.Index, Ifname: l.Name, AltNames: l.AltNames, Flags: l.Flags.Names(), MTU: l.MTU,
		Qdisc: l.Qdisc, Operstate: l.State, Master: names[l.Master], TxQLen: l.TxQueueLen,
		Address: l.HardwareAddr.String(), Broadcast: l.Broadcast.String(),
		Promiscuity: l.Promiscuity, AllMulti: l.AllMulti, MinMTU: l.MinMTU, MaxMTU: l.MaxMTU,
		TxQueues: l.TxQueues, RxQueues: l.RxQueues,
		GSOMaxSize: l.GSOMaxSize, GSOMaxSegs: l.GSOMaxSegs,
		TSOMaxSize: l.TSOMaxSize, TSOMaxSegs: l.TSOMaxSegs, GROMaxSize: l.GROMaxSize,
		AddrGen: l.AddrGen,
	}
	j.LinkInfo.Kind = l.Kind
	if l.PeerNetNSID != nil {
		j.LinkIndex = l.PeerIndex
	} else {
		j.Link = names[l.PeerIndex]
	}
	return j
}

func TestLinksAgainstIP(t *testing.T) {
	c := inNetNS(t)
	need.Of(t, need.Command("ip"))
	const ip = "ip"
	va := addVeth(t, c)
	run(t, ip, "link", "property", "add", "dev", "va", "altname", "a-name-of-more-than-15-bytes", "altname", "short")
	run(t, ip, "link", "set", "dev", "va", "group", "7", "promisc", "on")
	if err := testdev.SetMTU(va.Index, 1400); err != nil {
		t.Fatal(err)
	}

	names := map[int]string{}
	var links []*Link
	for l, err := range c.Links() {
		if err != nil {
			t.Fatal(err)
		}
		links = append(links, l)
		names[l.Index] = l.Name
	}
	var got, want []ipLink
	for _, l := range links {
		got = append(got, l.asIP(names))
		one, err := c.LinkByIndex(l.Index)
		if err != nil {
			t.Fatal(err)
		}
		one.Stats = l.Stats // the kernel's own packets come in between
		if diff := cmp.Diff(l, one); diff != "" {
			t.Errorf("-listed +alone:\n%s", diff)
		}
	}
	if err := json.Unmarshal(run(t, ip, "-j", "-d", "link"), &want); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if i < len(got) && got[i].AddrGen == nil {
			want[i].AddrGen = nil // Linux 5.10 tells it beside the statistics only, which a list does without
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-ip +ours:\n%s", diff)
	}
	for _, name := range []string{"va", "short", "a-name-of-more-than-15-bytes"} {
		if l := linkT(t, c, name); l.Index != va.Index || l.Group != 7 || l.MTU != 1400 {
			t.Errorf("%s: got %+v", name, l)
		}
	}
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func TestLinkErrors(t *testing.T) {
	c := inNetNS(t)
	for _, name := range []string{"nosuch", "no-such-alternative-name", "", "a\x00b", strings.Repeat("n", 200)} {
		_, err := c.Link(name)
		var e *Error
		if !errors.As(err, &e) || e.Op != "find link" {
			t.Errorf("%.20q: got %v", name, err)
		}
		if strings.HasPrefix(name, "no") && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: got %v, want os.ErrNotExist", name, err)
		}
	}
	if _, err := c.LinkByIndex(4711); !errors.Is(err, os.ErrNotExist) || !errors.Is(err, syscall.ENODEV) {
		t.Errorf("index: got %v", err)
	}
	if err := c.DeleteLink(4711); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("delete: got %v", err)
	}
}

func TestLinksLoopMayUseConn(t *testing.T) {
	c := inNetNS(t)
	for l, err := range c.Links() {
		if err != nil {
			t.Fatal(err)
		}
		if err := testdev.SetUp(l.Index); err != nil {
			t.Fatal(err)
		}
		if !linkT(t, c, l.Name).Flags.Up() {
			t.Errorf("%s is not up", l.Name)
		}
	}
}

func TestLinkFlagNames(t *testing.T) {
	tests := []struct {
		flags LinkFlags
		want  []string
	}{
		{0, []string{}},
		{unix.IFF_UP | unix.IFF_BROADCAST, []string{"NO-CARRIER", "BROADCAST", "UP"}},
		{unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOWER_UP, []string{"UP", "LOWER_UP"}},
		{1 << 24, []string{"0x1000000"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.flags.Names()); diff != "" {
			t.Errorf("%#x: -want +got:\n%s", uint32(tt.flags), diff)
		}
	}
}

func FuzzLink(f *testing.F) {
	f.Add(vethMessage(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l Link
		if l.decode(b) == nil && len(b) < unix.SizeofIfInfomsg {
			t.Error("decoded a message without a header")
		}
	})
}

// vethMessage is RTM_NEWLINK for a veth with a native XDP program, as Linux 6.18 sent it (RTEXT_FILTER_SKIP_STATS).
func vethMessage(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/link-veth.hex")
	if err != nil {
		t.Fatal(err)
	}
	return unhex(t, string(b))
}

func TestDecodeLink(t *testing.T) {
	var l Link
	if err := l.decode(vethMessage(t)); err != nil {
		t.Fatal(err)
	}
	want := Link{
		Index: 3, Name: "va", AltNames: []string{"short"}, MTU: 1500, Flags: 0x11043,
		State: StateUp, Type: 1, Kind: "veth", PeerIndex: 2,
		HardwareAddr: net.HardwareAddr{0xd2, 0x7a, 0x7e, 0xd5, 0x21, 0x72},
		Broadcast:    net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		Qdisc:        "noqueue", TxQueueLen: 1000, TxQueues: 2, RxQueues: 2,
		AllMulti: new(uint32), MinMTU: 68, MaxMTU: 65535, GSOMaxSize: 65536, GSOMaxSegs: 65535,
		TSOMaxSize: 524280, TSOMaxSegs: 65535, GROMaxSize: 65536,
		GSOIPv4MaxSize: 65536, GROIPv4MaxSize: 65536, AddrGen: new(AddrGenEUI64),
		XDP: LinkXDP{XDPNative, []XDPProgram{{XDPNative, 170}}},
	}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDecodeOddLink: what is unknown, or has another size than on today's kernels,
// does not hide the rest.
func TestDecodeOddLink(t *testing.T) {
	for name, odd := range map[string]func(*encoder){
		"no attribute":        func(*encoder) {},
		"unknown attribute":   func(e *encoder) { e.u64(0x3ff0, 1) },
		"unread attribute":    func(e *encoder) { e.u64(unix.IFLA_CARRIER, 1) },
		"one byte of address": func(e *encoder) { e.bytes(unix.IFLA_ADDRESS, []byte{9}) }, // as of MCTP
		"longer counters":     func(e *encoder) { e.bytes(unix.IFLA_STATS64, make([]byte, 8*40)) },
		"kind without a name": func(e *encoder) { e.nest(unix.IFLA_LINKINFO, func() { e.u32(unix.IFLA_INFO_DATA, 1) }) },
	} {
		e := linkMessage(3, nil)
		odd(&e)
		e.string(unix.IFLA_IFNAME, "va")
		var l Link
		if err := l.decode(e.b); err != nil || l.Index != 3 || l.Name != "va" {
			t.Errorf("%s: %v, got %+v", name, err, l)
		}
	}
}

func BenchmarkDecodeLink(b *testing.B) {
	m := vethMessage(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := new(Link).decode(m); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDecodeStats(t *testing.T) {
	b := make([]byte, 8*24)
	for i := range 24 {
		binary.NativeEndian.PutUint64(b[8*i:], uint64(i)+100)
	}
	want := LinkStats{
		RxPackets: 100, TxPackets: 101, RxBytes: 102, TxBytes: 103, RxErrors: 104, TxErrors: 105,
		RxDropped: 106, TxDropped: 107, RxMulticast: 108, TxCollisions: 109, RxOverErrors: 111, RxMissed: 115, TxCarrierErrors: 117,
	}
	var got, short LinkStats
	got.decode(b)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if short.decode(b[:8*17]); short != (LinkStats{}) {
		t.Errorf("a short struct gives %+v", short)
	}
}
