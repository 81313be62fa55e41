package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/cli"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// A heavyBatch is a file called batch in a directory of objects, and a namespace
// with v0 to v3. Of ahead.o, each program takes the verifier long.
type heavyBatch struct {
	t      *testing.T
	ns     *bpftest.Namespace
	before *bpftest.Census
}

func newHeavyBatch(t *testing.T, text string) *heavyBatch {
	t.Helper()
	bpftest.Need(t, bpftest.Root, sourceTree)
	object, err := os.ReadFile("../../internal/bench/objects/heavy16.o")
	if err != nil {
		t.Fatal(err)
	}
	b := &heavyBatch{t: t, ns: bpftest.NewNamespace(t)}
	b.ns.Veth("v0", "v1")
	b.ns.Veth("v2", "v3")
	testobj.Chdir(t)
	if err := unix.Mkfifo("pipe", 0o600); err != nil { // which nobody writes to
		t.Fatal(err)
	}
	b.Write("ahead.o", object, "heavy", "ahead")
	b.Write("batch", []byte(text), "", "")
	if b.before, err = bpftest.NewCensus(pin.DefaultRoot); err != nil {
		t.Fatal(err)
	}
	return b
}

// Write writes a file, with other names in it of the same length.
func (b *heavyBatch) Write(name string, content []byte, old, fresh string) {
	b.t.Helper()
	if old != "" {
		content = bytes.ReplaceAll(content, []byte(old), []byte(fresh))
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// start begins to run the batch.
func (b *heavyBatch) start(options ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	b.t.Helper()
	cmd = exec.Command("/proc/self/exe", append(options, "-batch", "batch")...)
	cmd.Args[0] = "xdpload"
	cmd.Env = []string{asProgram + "=1"}
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := netns.Do(b.ns.Name, cmd.Start); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Kill() // unless the test has waited for it
		_ = cmd.Wait()
	})
	return cmd, stdout, stderr
}

// attachments are what the devices run.
func (b *heavyBatch) attachments() (all []*attach.Attachment) {
	b.t.Helper()
	b.ns.Netlink(func(c *netlink.Conn) error {
		for a, err := range attach.Attachments(c, 0) {
			if err != nil {
				return err
			}
			all = append(all, a)
		}
		return nil
	})
	return all
}

func (b *heavyBatch) attached() (all []string) {
	b.t.Helper()
	for _, a := range b.attachments() {
		all = append(all, fmt.Sprintf("%s %s %s", a.Device, a.Hook(), a.Program.Name))
	}
	slices.Sort(all)
	return all
}

// detach takes all off again.
func (b *heavyBatch) detach() {
	b.t.Helper()
	b.ns.Netlink(func(c *netlink.Conn) error {
		for l, err := range c.Links() {
			if err != nil {
				return err
			}
			_ = c.DeleteQdisc(netlink.Clsact(l.Index)) // if it has one
			if len(l.XDP.Programs) == 0 {
				continue
			}
			if err := c.SetXDP(l.Index, netlink.XDP{FD: -1, Mode: l.XDP.Programs[0].Mode}); err != nil {
				return err
			}
		}
		return nil
	})
}

// waitHeld waits until the batch has these programs open and no others, and
// returns their ids.
func (b *heavyBatch) waitHeld(batch *exec.Cmd, want ...string) map[string]uint32 {
	b.t.Helper()
	var got map[string]uint32
	for deadline := time.Now().Add(bpftest.Patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if got = held(batch.Process.Pid); slices.Equal(slices.Sorted(maps.Keys(got)), want) {
			return got
		}
	}
	b.t.Fatalf("the batch has %v, want %q", got, want)
	return nil
}

// held are the programs that a process has open.
func held(pid int) map[string]uint32 {
	h := make(subject.Holders)
	h.Look(fmt.Sprint("/proc/", pid), pid)
	ids := make(map[string]uint32)
	for of := range h {
		if info, err := prog.InfoByID(of.ID); err == nil && of.Kind == pin.Program {
			ids[info.Name] = of.ID
		}
	}
	return ids
}

// unchanged fails the test if there is more than when the batch was made.
func (b *heavyBatch) unchanged() {
	b.t.Helper()
	if left, err := b.before.Grown(); left != nil || err != nil {
		b.t.Errorf("left behind: %q, %v", left, err)
	}
}

// TestBatchAhead: while the first line waits for its object, the programs of the
// next ones are verified. Of the one whose file is another by its turn the new
// program is attached, and nothing stays of the old one.
func TestBatchAhead(t *testing.T) {
	b := newHeavyBatch(t, `link set v0 xdp obj pipe
link set v1 xdp obj ahead.o program ahead1
link set v2 xdp obj changes.o
link set dev v3 dev lo xdpgeneric obj ahead.o program ahead4
`)
	b.Write("changes.o", testobj.Bytes("drop.o"), "xdp_drop", "ahead_is")
	cmd, _, stderr := b.start("-jobs", "2")
	before := b.waitHeld(cmd, "ahead1", "ahead4", "ahead_is")
	if all := b.attached(); len(all) > 0 {
		t.Errorf("attached before its turn: %q", all)
	}
	b.Write("changes.new", testobj.Bytes("drop.o"), "xdp_drop", "ahead_be")
	if err := os.Rename("changes.new", "changes.o"); err != nil {
		t.Fatal(err)
	}
	b.Write("pipe", testobj.Bytes("tiny.o"), "", "") // when the line reads it
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	want := []string{"lo xdpgeneric ahead4", "v0 xdpdrv xdp_pass", "v1 xdpdrv ahead1", "v2 xdpdrv ahead_be", "v3 xdpgeneric ahead4"}
	if all := b.attached(); !slices.Equal(all, want) {
		t.Errorf("the devices run %q, want %q", all, want)
	}
	for _, a := range b.attachments() {
		if ahead, ok := before[a.Program.Name]; ok && ahead != a.Program.ID {
			t.Errorf("%s was verified again", a.Program.Name)
		}
	}
	b.detach()
	b.unchanged()
}

// mixedBatch has lines that fail, the fourth one first.
const mixedBatch = `link set v0 xdp obj ahead.o program ahead1
tc filter add dev v0 ingress bpf da obj tc.o
link set v1 xdp obj count.o sec xdp
link set v2 xdp obj rejected.o
link set v2 xdp obj ahead.o program ahead2
link set v3 xdp obj ahead.o program nosuch
link set nosuch xdp obj ahead.o program ahead3
link set v3 xdp obj ahead.o program ahead4
tc filter replace dev v3 egress bpf da obj tc.o
link set v3 xdp obj rejected.o verbose
link set v3 xdpgeneric obj drop.o
tc filter add dev v3 ingress pref 1 handle 1 bpf da obj two.o sec xdp
tc filter add dev v3 ingress pref 1 handle 1 bpf da obj two.o sec prog
tc filter add dev v3 ingress pref 2 bpf da obj two.o sec xdp
tc filter show dev v3 egress
link set dev v0 dev v1 xdp obj drop.o
link set v2 xdp off
link set v2 xdp obj ahead.o program ahead7
`

// vary are numbers that differ from run to run.
var vary = regexp.MustCompile(`(\b(?:id|load_time|verification time)"?[ :])\d+`)

// TestBatchSameAsOneByOne: nobody sees how many programs are verified at a time.
func TestBatchSameAsOneByOne(t *testing.T) {
	b := newHeavyBatch(t, mixedBatch)
	run := func(options ...string) string {
		cmd, stdout, stderr := b.start(options...)
		err := cmd.Wait()
		result := fmt.Sprintf("%v\n%s\n%s\n%q\n", err, stdout, stderr, b.attached())
		b.detach()
		b.unchanged()
		return vary.ReplaceAllString(result, "${1}N")
	}
	all := [][]string{nil, {"-force"}, {"-json"}, {"-json", "-force"}, {"-idempotent", "-force"}}
	if bpftest.InGuest() {
		all = all[:2]
	}
	for _, options := range all {
		want := run(append(options, "-jobs", "1")...)
		if !strings.Contains(want, "rejected") || strings.Contains(want, "ahead7") != slices.Contains(options, "-force") {
			t.Errorf("%q:\n%s", options, want)
		}
		for _, jobs := range [][]string{nil, {"-jobs", "2"}, {"-jobs", "16"}} {
			if got := run(append(options, jobs...)...); got != want {
				t.Errorf("%q %q:\n%s\none by one:\n%s", options, jobs, got, want)
			}
		}
	}
}

// TestBatchLeavesNothing: what was loaded ahead of a line that ends the batch is
// closed, also of a batch that is called off.
func TestBatchLeavesNothing(t *testing.T) {
	b := newHeavyBatch(t, mixedBatch)
	b.ns.Do(func() error {
		goroutines := runtime.NumGoroutine()
		for _, options := range [][]string{{"-jobs", "2"}, {"-jobs", "16"}, {"-jobs", "16", "-force"}} {
			var stdout, stderr bytes.Buffer
			status := cli.Run(t.Context(), "devel", slices.Concat([]string{"xdpload"}, options, []string{"-batch", "batch"}), nil, &stdout, &stderr)
			if status != env.StatusWords {
				t.Errorf("%q: status %d: %s", options, status, &stderr)
			}
			b.detach()
		}
		now := runtime.NumGoroutine() // the last one may be about to end
		for deadline := time.Now().Add(bpftest.Patience); now > goroutines && time.Now().Before(deadline); now = runtime.NumGoroutine() {
			time.Sleep(time.Millisecond)
		}
		if now > goroutines {
			t.Errorf("%d goroutines, before it were %d", now, goroutines)
		}
		return nil
	})
	b.unchanged()
}

// TestBatchFewDescriptors: lines of programs with many maps succeed with as few
// descriptors as one of them needs, whatever was loaded ahead.
func TestBatchFewDescriptors(t *testing.T) {
	const lines = 20
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, "link set v%d xdp obj maps%d.o\n", i%4, i)
	}
	bpftest.Need(t, sourceTree)
	object, err := os.ReadFile("../../internal/bench/objects/maps64.o")
	if err != nil {
		t.Fatal(err)
	}
	b := newHeavyBatch(t, text.String())
	for i := range lines {
		b.Write(fmt.Sprintf("maps%d.o", i), object, "", "")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, jobs := range []string{"1", "2", "16"} {
		b.detach()
		cmd := exec.Command("sh", "-c", `ulimit -n 110; exec "$@"`, "sh", program, "-jobs", jobs, "-force", "-batch", "batch")
		cmd.Env = []string{asProgram + "=1"}
		var out []byte
		err := netns.Do(b.ns.Name, func() (err error) {
			out, err = cmd.CombinedOutput()
			return err
		})
		if n := strings.Count(string(out), " attached program "); err != nil || n != lines {
			t.Errorf("-jobs %s: %v, %d lines attached\n%s", jobs, err, n, out)
		}
	}
}
