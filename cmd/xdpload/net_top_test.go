package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/netlink"
)

// A top is a net top that runs beside the test.
type top struct {
	*exec.Cmd
	t    *testing.T
	out  io.ReadCloser
	line *bufio.Scanner
	said bytes.Buffer
}

func startTop(t *testing.T, ns *bpftest.Namespace, words ...string) *top {
	t.Helper()
	x := &top{t: t, Cmd: exec.Command("/proc/self/exe", words...)}
	x.Env, x.Stderr = []string{asProgram + "=1"}, &x.said
	out, err := x.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	x.out, x.line = out, bufio.NewScanner(out)
	if err := netns.Do(ns.Name, x.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		x.Process.Kill() //nolint:errcheck // it may have ended
		x.Wait()         //nolint:errcheck // by the kill
	})
	return x
}

// next is one line more.
func (x *top) next() string {
	x.t.Helper()
	if !x.line.Scan() {
		x.t.Fatalf("no line more: %v, %s", x.line.Err(), x.said.String())
	}
	return x.line.Text()
}

// until reads lines of JSON up to one whose programs are what is wanted.
func (x *top) until(want string, wanted func(rows []any) bool) {
	x.t.Helper()
	for deadline := time.Now().Add(bpftest.Patience); ; {
		line := x.next()
		if wanted(at(decode(x.t, line), "programs").([]any)) {
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("waited for %s: %s", want, line)
		}
	}
}

// ends waits for the end, and what it says.
func (x *top) ends(want string) {
	x.t.Helper()
	x.Wait() //nolint:errcheck // the state is looked at
	if got := x.ProcessState.String(); got != want || x.said.Len() > 0 {
		x.t.Errorf("it ended with %s, want %s: %s", got, want, x.said.String())
	}
}

// TestTop: with traffic the rates are those of the kernel's counters; programs and devices
// may come and go, and ^C is no error.
func TestTop(t *testing.T) {
	bpftest.Need(t, bpftest.Command("ip"), bpftest.Command("bpftool"))
	ns, tap, ids := counted(t)
	x := startTop(t, ns, "-json", "net", "top", "dev", "v0", "interval", "0.05")
	traffic := tap.Start()
	x.until("traffic", func(rows []any) bool {
		for _, row := range rows {
			s := at(row, "prog", "stats")
			if at(s, "runs_per_second").(float64) == 0 || at(s, "cpu_percent").(float64) == 0 {
				return false
			}
		}
		return len(rows) == 2
	})
	traffic.Stop()
	output(t, ns, "ip", "link", "set", "v1", "down")
	want := theirStats(t, ns, ids)
	x.until("the counters of bpftool", func(rows []any) bool {
		for _, row := range rows {
			s, theirs := at(row, "prog", "stats"), want[uint32(at(row, "prog", "id").(float64))]
			if at(s, "run_cnt") != theirs["run_cnt"] || at(s, "run_time_ns") != theirs["run_time_ns"] {
				return false
			}
		}
		return len(rows) == 2
	})
	runIn(t, ns, "xdpload", "tc", "qdisc", "del", "dev", "v0", "clsact")
	x.until("one program less", func(rows []any) bool { return len(rows) == 1 })
	ns.Netlink(func(c *netlink.Conn) error {
		l, err := c.Link("v0")
		if err != nil {
			return err
		}
		return c.DeleteLink(l.Index)
	})
	x.until("no device", func(rows []any) bool { return len(rows) == 0 })
	if err := x.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for x.line.Scan() && json.Valid(x.line.Bytes()) { // whole lines only
	}
	x.ends("exit status 0")
}

// TestTopInNamespaces: all of them are looked at.
func TestTopInNamespaces(t *testing.T) {
	ns, _, ids := counted(t)
	other := bpftest.NewNamespace(t)
	rows := at(decode(t, runIn(t, other, "xdpload", "-json", "net", "top", "all-netns", "dev", "v0", "count", "1", "interval", "0.01")), "programs").([]any)
	var found []uint32
	for _, row := range rows {
		if at(row, "netns") == ns.Name {
			found = append(found, uint32(at(row, "prog", "id").(float64)))
		}
	}
	if diff := cmp.Diff(ids, found); diff != "" {
		t.Error(diff)
	}
}

// TestTopText: tables follow each other in a pipe, with the rows in the order that is asked
// for, and whoever reads no more ends them.
func TestTopText(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	ns, _, ids := counted(t)
	out := runIn(t, ns, "xdpload", "net", "top", "count", "2", "interval", "0.01", "sort", "device")
	table := `2 programs on 1 device, in \d+\.\d\d s: \d+ runs/s, \d+\.\d\d% of a processor
DEVICE  HOOK +ID  PROGRAM +RUNS/S +NS/RUN +CPU% +RX/S +TX/S
v0      xdpdrv +%d  xdp_pass +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+
v0      clsact/ingress +%d  cls_ok +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+
`
	table = fmt.Sprintf(strings.ReplaceAll(table, "% ", "%% "), ids[0], ids[1])
	if want := regexp.MustCompile(`\A` + table + "\n" + table + `\z`); !want.MatchString(out) {
		t.Errorf("got %s, want %v", out, want)
	}
	x := startTop(t, ns, "net", "top", "interval", "0.01")
	x.next()
	x.out.Close()
	x.ends("signal: " + syscall.SIGPIPE.String())
}
