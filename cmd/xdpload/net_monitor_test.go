package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/netlink"
)

// lost is what net monitor says of packets.
type lost struct {
	Event   string `json:"event"`
	Device  string `json:"device"`
	Program struct {
		Name string `json:"name"`
	} `json:"prog"`
	Verdict string `json:"verdict"`
	Errno   string `json:"errno"`
	Target  struct {
		Device string `json:"device"`
	} `json:"to"`
	Map struct {
		Name string `json:"name"`
	} `json:"entry"`
	Packets int    `json:"packets"`
	Cause   string `json:"cause"`
	Losses  []lost `json:"losses"` // at the end
}

// lossMonitor is a net monitor that runs beside the test.
type lossMonitor struct {
	*top
	lines chan lost
}

func startLossMonitor(t *testing.T, ns *bpftest.Namespace, words ...string) *lossMonitor {
	t.Helper()
	m := &lossMonitor{startTop(t, ns, append([]string{"-json", "net", "monitor"}, words...)...), make(chan lost, 100)}
	go func() {
		defer close(m.lines)
		for in := bufio.NewScanner(m.out); in.Scan(); {
			var l lost
			if json.Unmarshal(in.Bytes(), &l) != nil {
				l.Event = in.Text()
			}
			m.lines <- l
		}
	}()
	return m
}

// until sends again and again, until the monitor tells of such a loss.
func (m *lossMonitor) until(send func() error, want func(lost) bool) lost {
	m.t.Helper()
	for deadline := time.Now().Add(bpftest.Patience); time.Now().Before(deadline); {
		if err := send(); err != nil {
			m.t.Fatal(err)
		}
		for wait := time.After(300 * time.Millisecond); wait != nil; {
			select {
			case l, more := <-m.lines:
				if !more {
					m.t.Fatalf("the monitor has ended: %s", m.said.String())
				}
				if want(l) {
					return l
				}
			case <-wait:
				wait = nil
			}
		}
	}
	m.t.Fatal("the monitor does not tell")
	return lost{}
}

// stop interrupts the monitor, and returns what it tells at the end.
func (m *lossMonitor) stop() (all []lost) {
	m.t.Helper()
	if err := m.Process.Signal(os.Interrupt); err != nil {
		m.t.Fatal(err)
	}
	for l := range m.lines {
		all = l.Losses
	}
	m.ends("exit status 0")
	return all
}

// TestNetMonitor: each way in which a program's verdicts lose packets is told, with the
// program, and counted to the packet.
func TestNetMonitor(t *testing.T) {
	const n = 700 // of which 2 in 7 are aborted, and 1 each is sent back or redirected to nowhere
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	_, v1 := ns.Veth("v0", "v1")
	ns.Veth("w0", "w1")
	tap := ns.Tap(v1)
	runIn(t, ns, "xdpload", "link", "set", "v0", "xdp", "obj", testobj.Path(t, "testrun.o"), "program", "xdp_sort")
	m, other := startLossMonitor(t, ns), startLossMonitor(t, ns, "dev", "w0")
	warm := 0
	for _, one := range []*lossMonitor{m, startLossMonitor(t, ns, "dev", "v0")} {
		one.until(func() error {
			warm++
			return tap.Send(bpftest.Frame(0))
		}, func(l lost) bool { return l.Verdict == "XDP_ABORTED" })
	}
	if err := tap.SendAll(n); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	for _, l := range m.stop() {
		if l.Event == "cpu" { // which anybody may have lost
			continue
		}
		if l.Device != "v0" || l.Program.Name != "xdp_sort" {
			t.Errorf("told of %+v", l)
		}
		got[l.Event+l.Verdict] += l.Packets
	}
	aborted := got["verdictXDP_ABORTED"] - n*2/7
	if aborted < 1 || aborted > warm {
		t.Errorf("%d packets more were aborted than %d, but up to %d were sent", aborted, n*2/7, warm)
	}
	delete(got, "verdictXDP_ABORTED")
	if diff := cmp.Diff(map[string]int{"tx": n / 7, "redirect": n / 7}, got); diff != "" {
		t.Error(diff)
	}
	if all := other.stop(); len(all) > 0 {
		t.Errorf("of w0 it tells %+v", all)
	}
}

// TestNetMonitorRedirect: why a device takes no packets is told, as it is changed.
func TestNetMonitorRedirect(t *testing.T) {
	bpftest.Need(t, bpftest.Root, bpftest.Command("ip"))
	ns := bpftest.NewNamespace(t)
	_, v1 := ns.Veth("v0", "v1")
	ns.Veth("t0", "t1")
	tap := ns.Tap(v1)
	pins := "/sys/fs/bpf/" + ns.Name
	t.Cleanup(func() { os.RemoveAll(pins) })
	runIn(t, ns, "xdpload", "prog", "load", "obj", testobj.Path(t, "forward.o"), "program", "to_port", "pin", pins+"/to_port", "pin-maps", pins)
	runIn(t, ns, "xdpload", "link", "set", "v0", "xdp", "pinned", pins+"/to_port")
	runIn(t, ns, "xdpload", "map", "set", "pinned", pins+"/ports", "key", "1", "value", `{"ifindex":"t0"}`)
	m := startLossMonitor(t, ns, "dev", "v0")
	large := append(bpftest.Frame(0), make([]byte, 400)...)
	for _, tt := range []struct {
		change string
		frame  []byte
		cause  string
	}{
		{"", bpftest.Frame(0), "t1, the other end of t0, takes packets of XDP only with an XDP program on it"},
		{"xdpload link set t1 xdp obj " + testobj.Path(t, "tiny.o"), large, ""},
		{"ip link set t0 mtu 100", large, "packets are larger than the MTU of t0, which is 100"},
		{"ip link set t1 down", bpftest.Frame(0), "t1, the other end of t0, is down: ip link set t1 up"},
		{"ip link set t0 down", bpftest.Frame(0), "t0 is down: ip link set t0 up"},
	} {
		switch words := strings.Fields(tt.change); {
		case len(words) > 0 && words[0] == "ip":
			output(t, ns, words...)
		case len(words) > 0:
			runIn(t, ns, words...)
		}
		if tt.cause == "" {
			continue
		}
		l := m.until(func() error { return tap.Send(tt.frame) }, func(l lost) bool { return strings.HasPrefix(l.Cause, tt.cause) })
		if l.Target.Device != "t0" || l.Device != "v0" || l.Program.Name != "to_port" || l.Errno == "" {
			t.Errorf("%s: %+v", tt.change, l)
		}
	}
	ns.Netlink(func(c *netlink.Conn) error { // which may go away
		l, err := c.Link("v0")
		if err != nil {
			return err
		}
		return c.DeleteLink(l.Index)
	})
	m.stop()
}

// TestNetMonitorCPU: the queue of a CPU that is full is told, with the map.
func TestNetMonitorCPU(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	_, v1 := ns.Veth("v0", "v1")
	tap := ns.Tap(v1)
	pins := "/sys/fs/bpf/" + ns.Name
	t.Cleanup(func() { os.RemoveAll(pins) })
	runIn(t, ns, "xdpload", "prog", "load", "obj", testobj.Path(t, "forward.o"), "program", "to_cpu", "pin", pins+"/to_cpu", "pin-maps", pins)
	runIn(t, ns, "xdpload", "map", "set", "pinned", pins+"/cpus", "key", "0", "value", `{"qsize":1}`)
	runIn(t, ns, "xdpload", "link", "set", "v0", "xdp", "pinned", pins+"/to_cpu")
	m := startLossMonitor(t, ns)
	l := m.until(func() error {
		for i := range 64 {
			if err := tap.Send(bpftest.Frame(uint32(i))); err != nil {
				return err
			}
		}
		return nil
	}, func(l lost) bool {
		return l.Event == "cpu" && l.Map.Name == "cpus" && strings.HasPrefix(l.Cause, "its queue is full")
	})
	if l.Packets < 1 {
		t.Errorf("told of %+v", l)
	}
	m.stop()
}

// TestNetMonitorText: after its time it ends with what was counted, if that is nothing too.
func TestNetMonitorText(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns := bpftest.NewNamespace(t)
	_, v1 := ns.Veth("v0", "v1")
	if out := runIn(t, ns, "xdpload", "net", "monitor", "dev", "v0", "for", "0.01"); !strings.HasPrefix(out, "no packet was lost in 0.") {
		t.Errorf("of nothing it tells %q", out)
	}
	runIn(t, ns, "xdpload", "link", "set", "v0", "xdp", "obj", testobj.Path(t, "testrun.o"), "program", "xdp_sort")
	tap := ns.Tap(v1)
	x := startTop(t, ns, "net", "monitor", "dev", "v0")
	said := make(chan string, 1)
	go func() { said <- x.next() }()
	for deadline := time.Now().Add(bpftest.Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err := tap.Send(bpftest.Frame(0)); err != nil {
			t.Fatal(err)
		}
		select {
		case line := <-said:
			for _, want := range []string{"v0: program id ", " name xdp_sort ", " lost: XDP_ABORTED: the program gave up"} {
				if !strings.Contains(line, want) {
					t.Errorf("it tells %q, want %q", line, want)
				}
			}
			return
		default:
		}
	}
	t.Error(fmt.Sprint("it tells nothing: ", x.said.String()))
}
