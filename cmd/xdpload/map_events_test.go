package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/pcap"
	"github.com/xdpload/xdpload/internal/testobj"
)

// An eventsRun is a "map events" that runs beside the test.
type eventsRun struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr written
}

// written is what a program has written up to now.
type written struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.Write(b)
}

// Bytes must not be changed.
func (w *written) Bytes() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.Bytes()
}

func (w *written) String() string { return string(w.Bytes()) }

func startEvents(t *testing.T, ns *bpftest.Namespace, words ...string) *eventsRun {
	t.Helper()
	r := &eventsRun{t: t, cmd: exec.Command("/proc/self/exe", words...)}
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = []string{asProgram + "=1"}, &r.stdout, &r.stderr
	if err := netns.Do(ns.Name, r.cmd.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.cmd.Process.Kill() //nolint:errcheck // it may have ended
		r.cmd.Wait()         //nolint:errcheck // by the kill
	})
	return r
}

// interrupt ends it as ^C does.
func (r *eventsRun) interrupt() {
	r.t.Helper()
	_ = r.cmd.Process.Signal(os.Interrupt)
	if err := r.cmd.Wait(); err != nil {
		r.t.Fatalf("interrupted: %v: %s", err, r.stderr.String())
	}
}

// until calls step until ok.
func until(t *testing.T, what string, step func(), ok func() bool) {
	t.Helper()
	for end := time.Now().Add(bpftest.Patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
		step()
	}
	t.Fatalf("never: %s", what)
}

// comment is what the capture says of a sample.
var comment = regexp.MustCompile(`{"time":\d+,"ifindex":(\d+),"length":60,"number":(\d+),"verdict":2}`)

// TestMapEventsCapture: the packets that a program samples are in a capture as they were
// sent, each with the program's header as comment, and tcpdump reads them.
func TestMapEventsCapture(t *testing.T) {
	bpftest.Need(t, bpftest.Command("tcpdump"))
	ns := bpftest.NewNamespace(t)
	in, out := ns.Veth("e0", "e1")
	tap := ns.Tap(out)
	object := testobj.Path(t, "events.o")
	load := exec.Command("/proc/self/exe", "link", "set", "dev", "e0", "xdp", "obj", object, "prog", "sampler", "set", "every=10")
	load.Env = []string{asProgram + "=1"}
	if err := ns.Run(load); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "samples.pcapng")
	run := startEvents(t, ns, "map", "events", "dev:e0/samples", "type", "sample", "obj", object,
		"packet", "length", "length", "time", "time", "ifindex", "ifindex", "out", file)
	n := uint32(0)
	send := func() {
		for range 10 {
			n++
			if err := tap.Send(bpftest.Frame(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	samples := func() [][][]byte {
		all, _ := os.ReadFile(file) // it may not be there yet
		return comment.FindAllSubmatch(all, -1)
	}
	until(t, "a sample in the file", send, func() bool { return len(samples()) > 0 })
	already := len(samples())
	for range 30 {
		send()
	}
	until(t, "all of them", func() {}, func() bool { return len(samples()) >= already+30 })
	began := time.Now()
	run.interrupt()
	if !strings.Contains(run.stdout.String(), " records, 0 lost") {
		t.Errorf("at the end it says %q", run.stdout.String())
	}
	var numbers []int // those of one CPU are in order
	for _, s := range samples() {
		number, _ := strconv.Atoi(string(s[2]))
		numbers = append(numbers, number)
		if string(s[1]) != strconv.Itoa(in) {
			t.Errorf("a sample of another device than %d: %s", in, s[0])
		}
	}
	slices.Sort(numbers)
	for i, number := range numbers {
		if number != numbers[0]+10*i {
			t.Fatalf("sample %d is number %d, the first %d", i, number, numbers[0])
		}
	}
	checkFrames(t, file, len(samples()), began)
}

// checkFrames reads a capture of frames of the tests, which were sent in the last minutes.
func checkFrames(t *testing.T, file string, want int, end time.Time) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	packets, err := pcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for p, err := range packets.Packets() {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if number := binary.BigEndian.Uint32(p.Data[14:]); !bytes.Equal(p.Data, bpftest.Frame(number)) || p.Length != 60 {
			t.Errorf("packet %d is % x of %d bytes", n, p.Data, p.Length)
		}
		if age := end.Sub(p.Time); age < 0 || age > 2*bpftest.Patience {
			t.Errorf("packet %d is %v old", n, age)
		}
	}
	said, err := exec.Command("tcpdump", "-Z", "root", "-nqr", file).Output()
	if lines := len(regexp.MustCompile(`(?m)^\d`).FindAll(said, -1)); err != nil || n != want || lines != want {
		t.Errorf("%d packets, tcpdump reads %d (%v), want %d", n, lines, err, want)
	}
}

// TestMapEventsAllRecords: what a ring buffer had room for is read, all of it, once.
func TestMapEventsAllRecords(t *testing.T) {
	bpftest.Need(t, bpftest.MapOf(ebpf.RingBuf, "5.8"))
	ns := bpftest.NewNamespace(t)
	ns.Veth("e0", "e1")
	object := testobj.Path(t, "events.o")
	runIn := func(words ...string) string {
		t.Helper()
		cmd := exec.Command("/proc/self/exe", words...)
		var said bytes.Buffer
		cmd.Env, cmd.Stdout, cmd.Stderr = []string{asProgram + "=1"}, &said, &said
		if err := ns.Run(cmd); err != nil {
			t.Fatalf("%v: %v: %s", words, err, said.String())
		}
		return said.String()
	}
	id := regexp.MustCompile(`id (\d+)`).FindStringSubmatch(runIn("link", "set", "dev", "e0", "xdp", "obj", object, "prog", "header", "set", "every=1"))[1]
	run := startEvents(t, ns, "-json", "map", "events", "dev:e0/heads", "type", "sample", "obj", object)
	const times, repeat = 4, 20000
	for range times {
		runIn("prog", "run", "id", id, "hex", hex.EncodeToString(bpftest.Frame(1)), "repeat", strconv.Itoa(repeat))
	}
	var lost int
	if _, err := fmt.Sscanf(regexp.MustCompile(`"full":(\d+)`).FindStringSubmatch(runIn("map", "dump", "dev:e0/.bss"))[1], "%d", &lost); err != nil {
		t.Fatal(err)
	}
	count := func() int { return bytes.Count(run.stdout.Bytes(), []byte{'\n'}) }
	until(t, "all records", func() {}, func() bool { return count() >= times*repeat-lost })
	run.interrupt()
	if count() != times*repeat-lost {
		t.Errorf("%d records, and the buffer was full for %d, of %d", count(), lost, times*repeat)
	}
	previous := 0
	for line := range bytes.Lines(run.stdout.Bytes()) {
		var r struct {
			Record struct{ Number, Length int }
			Bytes  string
		}
		if err := json.Unmarshal(line, &r); err != nil || r.Record.Number <= previous || r.Record.Length != 60 || len(r.Bytes) != 2+80 {
			t.Fatalf("after record %d: %v: %s", previous, err, line)
		}
		previous = r.Record.Number
	}
}
