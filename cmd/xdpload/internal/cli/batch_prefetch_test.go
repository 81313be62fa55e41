package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/testobj"
)

// TestPrefetchChoice: which lines are loaded while the first one runs.
func TestPrefetchChoice(t *testing.T) {
	const jobs, first = 4, "link set v0 xdp obj tiny.o\n"
	testobj.Chdir(t)
	if err := unix.Mkfifo("pipe", 0o600); err != nil { // which nobody writes to
		t.Fatal(err)
	}
	many := first
	for _, program := range []string{"xdp_drop", "xdp_second", "xdp_abrt"} {
		for _, section := range []string{"", " sec xdp", " sec xdp/abrt", " sec prog"} {
			many += "link set v1 xdp obj two.o program " + program + section + "\n"
		}
	}
	for _, tt := range []struct {
		name, text string
		want       []int // numbers of lines
	}{
		{"alone", first, nil},
		{"every kind", first + `
link set v1 xdp obj two.o sec xdp
link set dev v1 dev v2 xdpgeneric obj two.o sec xdp
tc filter add dev v1 ingress bpf da obj tc.o
tc filter replace dev v1 egress bpf da obj tc.o sec other action bpf obj tc.o
tc filter change dev v1 dev v2 ingress bpf da obj tc.o
tcx attach v1 ingress obj tc.o
netkit attach v1 primary obj tc.o`, []int{3, 4, 5, 6, 7, 8, 9}},
		{"others in between", first + `
link set v1 xdp off
link set v1 xdp pinned /sys/fs/bpf/some
tc filter add dev v1 ingress bpf bytecode "1,6 0 0 0"
link set v1 xdp obj two.o sec xdp`, []int{6}},
		{"settings", first + `
link set v1 xdp obj globals.o set limit=1
link set v2 xdp obj globals.o set limit=2
link set v3 xdp obj legacy28.o map first max_entries 7`, []int{3, 4, 5}},
		{"pins and the like", first + `
link set v1 xdp obj count.o pin-maps dir
link set v1 xdp obj count.o pin /sys/fs/bpf/some
link set v1 xdp obj count.o map stats pinned /sys/fs/bpf/some
link set v1 xdp obj count.o verbose
link set v1 xdp obj count.o bind
link set v1 xdpoffload obj count.o
tc filter add dev v1 ingress bpf da skip_sw obj tc.o
tc filter add dev v1 ingress bpf da obj tc.o export socket
link set v1 xdp obj -
link set v1 xdp obj pipe
link set v1 xdp obj nosuch
link set v2 xdp obj count.o`, []int{14}},
		{"many", many, []int{2, 3, 4, 5, 6, 7, 8, 9}},
		{"of other commands", first + "link set v1 xdp obj two.o sec xdp\nlink show\nlink set v2 xdp obj tc.o", []int{2}},
		{"by descriptor", first + "link set v1 xdp fd 7\nlink set v2 xdp obj two.o sec xdp", nil},
		{"a map by id", first + "link set v1 xdp obj count.o map stats id 7\nlink set v2 xdp obj two.o sec xdp", nil},
		{"by id", first + "tcx attach v1 ingress id 7\nlink set v2 xdp obj two.o sec xdp", nil},
		{"of an action", first + "tc filter add dev v1 ingress bpf obj tc.o action bpf fd 7\nlink set v2 xdp obj two.o sec xdp", nil},
		// Whether they share it is known when the first one has run.
		{"the same", first + first + "link set v2 xdp obj two.o sec xdp", nil},
		{"the same later", first + strings.Repeat("link set v1 xdp obj two.o sec xdp\n", 2), []int{2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newTestPrefetch(t, jobs, tt.text)
			defer a.Close()
			a.advance(0)
			if got := a.numbers(); !slices.Equal(got, tt.want) {
				t.Errorf("lines %v, want %v", got, tt.want)
			}
		})
	}
}

// TestPrefetchAdvance: a barrier has run, and a program is known to be shared, or not.
func TestPrefetchAdvance(t *testing.T) {
	testobj.Chdir(t)
	a := newTestPrefetch(t, 2, `link set v0 xdp obj tiny.o
link set v1 xdp obj tiny.o
link set v2 xdp obj drop.o
link show
link set v3 xdp obj count.o sec xdp
link set v4 xdp obj count.o sec xdp
link set v5 xdp obj count.o sec xdp`)
	defer a.Close()
	for turn, want := range [][]int{nil, {3}, {3}, nil, nil, {7}, {7}} {
		a.advance(turn)
		if got := a.numbers(); !slices.Equal(got, want) {
			t.Errorf("at line %d: lines %v, want %v", turn+1, got, want)
		}
		if turn == 0 {
			a.env.InBatch.Kept[a.first[subject.ProgramName{Run: ebpf.XDP, File: "tiny.o"}].key] = &subject.Source{Object: new(xdpload.Object)}
		}
	}
}

// TestPrefetchVain: what is refused ahead is not tried again for the lines behind.
func TestPrefetchVain(t *testing.T) {
	testobj.Chdir(t)
	a := newTestPrefetch(t, 2, "link set v0 xdp obj tiny.o\n"+strings.Repeat("link set v1 xdp obj rejected.o\n", 9))
	defer a.Close()
	for turn, want := range [][]int{{2}, {2}, nil, nil} {
		a.advance(turn)
		if got := a.numbers(); !slices.Equal(got, want) {
			t.Errorf("at line %d: lines %v, want %v", turn+1, got, want)
		}
	}
}

// TestPrefetchPinned: an object that pins is read ahead, not loaded.
func TestPrefetchPinned(t *testing.T) {
	bpftest.Need(t, bpftest.Root)
	testobj.Chdir(t)
	a := newTestPrefetch(t, 2, `link set v0 xdp obj tiny.o
link set v1 xdp obj shared_xdp.o
link set v2 xdp obj count.o sec xdp`)
	defer a.Close()
	a.advance(0)
	if got, want := a.numbers(), []int{2, 3}; !slices.Equal(got, want) {
		t.Fatalf("lines %v, want %v", got, want)
	}
	for i, loads := range []bool{false, true} {
		l := a.loads[i]
		<-l.Done
		if l.Source == nil || (l.Source.Loaded() != nil) != loads {
			t.Errorf("%s: source %+v", l.Of.File, l.Source)
		}
	}
}

func TestPrefetchNot(t *testing.T) {
	testobj.Chdir(t)
	e := &env.Env{Globals: env.Globals{Jobs: 1}, InBatch: env.NewBatch()}
	if a := prefetch(t.Context(), e, make([]batchLine, 2)); a != nil || e.Verifying != nil {
		t.Error("there is something to be loaded ahead, with one job")
	}
	e.Jobs = 2
	if prefetch(t.Context(), e, make([]batchLine, 1)) != nil {
		t.Error("there is something to be loaded ahead of a single line")
	}
}

func newTestPrefetch(t *testing.T, jobs int, text string) *prefetcher {
	t.Helper()
	e := &env.Env{Globals: env.Globals{Jobs: jobs, Batch: "-"}, InBatch: env.NewBatch(), Stderr: new(bytes.Buffer)}
	lines, _, err := parseBatch(e, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return prefetch(t.Context(), e, lines)
}

// numbers are those of the lines that are loaded ahead.
func (a *prefetcher) numbers() (numbers []int) {
	if a == nil {
		return nil
	}
	for _, l := range a.loads {
		numbers = append(numbers, a.lines[l.Line].number)
	}
	return numbers
}

// TestFileStateWrittenInPlace: who gives a file the size and time that it had
// before does not hide that it was written.
func TestFileStateWrittenInPlace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.o")
	then := time.Unix(1e9, 0)
	var states [2]subject.FileState
	for i, content := range []string{"one", "two"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, then, then); err != nil {
			t.Fatal(err)
		}
		states[i] = subject.StateOf(name)
		time.Sleep(20 * time.Millisecond) // longer than a tick of the kernel
	}
	if states[0] == states[1] || states[0].Written != states[1].Written {
		t.Errorf("before %+v, after %+v", states[0], states[1])
	}
}
