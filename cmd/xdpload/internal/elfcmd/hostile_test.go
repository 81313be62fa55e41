//go:build !guest

package elfcmd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/elf/check"
	"github.com/xdpload/xdpload/elf/diff"
	"github.com/xdpload/xdpload/elf/graph"
	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/elf/rewrite"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/internal/testobj"
	"github.com/xdpload/xdpload/pin"
)

const (
	hostilePatience = 10 * time.Second // a thousand times what the slowest of them takes
	hostileMemory   = 64 << 20
)

// TestElfHostile looks into more than two thousand objects that were cut off,
// had bits flipped, or tell lies in their headers.
func TestElfHostile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	n, faults := 0, 0
	for _, name := range testobj.Names() {
		if len(testobj.Bytes(name)) > 64<<10 {
			continue
		}
		for i := range 30 {
			broken := [...]func(*rand.Rand, []byte) []byte{cut, flip, lie}[i%3]
			b := broken(random, testobj.Bytes(name))
			n++
			if !bearable(t, fmt.Sprintf("%s, number %d", name, i), b) {
				faults++
			}
		}
	}
	if n < 2000 || faults == 0 {
		t.Errorf("%d objects, %d with a fault", n, faults)
	}
	t.Logf("%d objects, %d with a fault", n, faults)
}

func cut(r *rand.Rand, b []byte) []byte { return b[:r.IntN(len(b))] }

func flip(r *rand.Rand, b []byte) []byte {
	for range 1 + r.IntN(8) {
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	}
	return b
}

// lie changes a word of the section headers, or of the symbols behind them.
func lie(r *rand.Rand, b []byte) []byte {
	order := binary.ByteOrder(binary.LittleEndian)
	if b[5] == 2 {
		order = binary.BigEndian
	}
	start := int(order.Uint64(b[40:]))
	at := start + 8*r.IntN((len(b)-start)/8)
	order.PutUint64(b[at:], []uint64{0, 1, 7, 1 << 31, 1<<32 - 1, 1 << 40, 1<<64 - 1}[r.IntN(7)])
	return b
}

// bearable looks into an object with everything there is, and holds it to the
// bounds. Other work on the machine does not count: the time is the processor's.
func bearable(t *testing.T, what string, b []byte) (sound bool) {
	t.Helper()
	start, before := processorTime(t), heapAllocated()
	sound = lookInto(t, what, b)
	if used := heapAllocated() - before; used > hostileMemory {
		t.Errorf("%s: %d bytes of memory", what, used)
	}
	if took := processorTime(t) - start; took > hostilePatience {
		t.Errorf("%s: took %v", what, took)
	}
	return sound
}

// processorTime is what this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func heapAllocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// lookInto runs every command, and reports whether none of them found a fault.
func lookInto(t *testing.T, what string, b []byte) bool {
	t.Helper()
	o, err := elf.ReadNamed(bytes.NewReader(b), "hostile.o")
	if err != nil {
		wellSaid(t, what, err)
		return false
	}
	report := reportObject(o, pin.At("/sys/fs/bpf"))
	if err := render.Write(io.Discard, report, render.Options{}); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	sound := len(report.Faults) == 0
	note := func(err error) {
		if err != nil {
			sound = false
			wellSaid(t, what, err)
		}
	}
	note(listing.Write(io.Discard, o, listing.Options{Source: true, Types: true}))
	note(graph.Calls(io.Discard, o, graph.DOT, nil))
	for i, p := range o.Programs() {
		if i < 16 {
			note(graph.Flow(io.Discard, o, graph.Mermaid, p))
		}
	}
	for _, fault := range check.Object(o).Faults {
		note(fault)
	}
	for _, fault := range diff.Objects(o, o).Faults {
		note(fault)
	}
	if _, err := rewrite.Convert(o); err != nil && !strings.Contains(err.Error(), "nothing to convert") {
		note(err)
	}
	return sound
}

// wellSaid: an error is one of the object's format, and says where.
func wellSaid(t *testing.T, what string, err error) {
	t.Helper()
	fe, ok := errors.AsType[*elf.FormatError](err)
	if !ok {
		t.Errorf("%s: error %T: %v", what, err, err)
		return
	}
	if fe.Msg == "" && fe.Err == nil {
		t.Errorf("%s: an error without words: %v", what, err)
	}
}

// TestElfLibraryObjects looks into the objects of the library's own tests: where
// something is found wrong, the library finds something wrong too.
func TestElfLibraryObjects(t *testing.T) {
	bpftest.Need(t, bpftest.Command("go"))
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "testdata", "*.elf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no objects in %s: %v", dir, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sound := bearable(t, filepath.Base(file), b)
		if _, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(b)); !sound && err == nil && !linkedLater(t, b) {
			o, err := elf.Read(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			t.Errorf("%s: faults %v, and the library reads it", filepath.Base(file), reportObject(o, pin.At("/sys/fs/bpf")).Faults)
		}
	}
}

// linkedLater reports whether all that is wrong with an object is a symbol that
// another object would have. The library says so when the program is loaded.
func linkedLater(t *testing.T, b []byte) bool {
	t.Helper()
	o, err := elf.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	faults := check.Object(o).Faults
	for _, err := range faults {
		if !strings.Contains(err.Error(), "undefined symbol") {
			return false
		}
	}
	return len(faults) > 0
}
