package load_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/bpftest"
	"github.com/xdpload/xdpload/internal/bpftest/lab"
	"github.com/xdpload/xdpload/load"
)

// Of sixteen programs two are refused: the first in the order of the object, which
// the verifier takes long to refuse, and one that it refuses at once.
const refusedLate, refusedAtOnce = "six05", "six11"

// spoil has the verifier refuse two programs.
func spoil(p *ebpf.ProgramSpec) {
	var before asm.Instructions
	if p.Name == refusedLate {
		for range 4_000 {
			before = append(before, asm.Mov.Imm(asm.R3, 1))
		}
	} else if p.Name != refusedAtOnce {
		return
	}
	first := p.Instructions[0]
	bad := append(before, asm.Mov.Reg(asm.R0, asm.R9), asm.Return()) // R9 was never set
	bad[0] = bad[0].WithMetadata(first.Metadata)
	p.Instructions = bad
}

func TestJobsFirstRefusal(t *testing.T) {
	b := lab.NewBench(t)
	before, err := bpftest.NewCensus(b.Root)
	if err != nil {
		t.Fatal(err)
	}
	rounds := 20
	if bpftest.InGuest() {
		rounds = 3
	}
	for _, jobs := range []int{1, 2, 16} {
		t.Run(fmt.Sprint(jobs), func(t *testing.T) {
			want := ""
			bpftest.NoLeaks(t)
			goroutines := runtime.NumGoroutine()
			for range rounds {
				_, err := b.Try("sixteen.o", load.Options{
					Jobs: load.NewJobs(jobs), Adapt: spoil, Select: elf.Selector{Section: "xdp", Type: ebpf.XDP},
				}, b.Hook)
				refused, ok := errors.AsType[*load.Error](err)
				if !ok || refused.Program != refusedLate {
					t.Fatalf("got %v, want a refusal of %s", err, refusedLate)
				}
				if want == "" {
					want = err.Error()
				}
				if err.Error() != want {
					t.Fatalf("the message was %q, and is %q", want, err)
				}
			}
			now := runtime.NumGoroutine() // the last one may be about to end
			for deadline := time.Now().Add(bpftest.Patience); now > goroutines && time.Now().Before(deadline); now = runtime.NumGoroutine() {
				time.Sleep(time.Millisecond)
			}
			if now > goroutines {
				t.Errorf("%d goroutines, before it were %d", now, goroutines)
			}
		})
	}
	if left, err := before.Grown(); left != nil || err != nil {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// TestRefusalOrder refuses two programs, of which the later one in the object
// has the earlier name.
func TestRefusalOrder(t *testing.T) {
	bpftest.Need(t, bpftest.Fixture("tail.o")...)
	b := lab.NewBench(t)
	for _, jobs := range []int{1, 4} {
		_, err := b.Try("tail.o", load.Options{
			Jobs: load.NewJobs(jobs), Select: elf.Selector{Section: "xdp.frags"},
			Adapt: func(p *ebpf.ProgramSpec) {
				if p.Name == "tail0" || p.Name == "last" {
					p.Instructions[0] = asm.Mov.Reg(asm.R0, asm.R9).WithMetadata(p.Instructions[0].Metadata)
				}
			},
		}, b.Hook)
		refused, ok := errors.AsType[*load.Error](err)
		if !ok || refused.Program != "tail0" {
			t.Errorf("%d jobs: got %v, want a refusal of tail0", jobs, err)
		}
	}
}

func TestJobsAllLoad(t *testing.T) {
	b := lab.NewBench(t)
	for _, jobs := range []int{1, 3, 64} {
		l, err := b.Try("sixteen.o", load.Options{Jobs: load.NewJobs(jobs), Select: elf.Selector{Section: "xdp", Type: ebpf.XDP}}, b.Hook)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Programs) != 16 {
			t.Errorf("%d jobs loaded %d programs, want 16", jobs, len(l.Programs))
		}
		b.Exit(l)
	}
}

// TestSlots: as long as others have the slots, no program is verified, and a
// load that is called off does not wait for them.
func TestSlots(t *testing.T) {
	b := lab.NewBench(t)
	synctest.Test(t, func(t *testing.T) {
		slots := load.NewJobs(1)
		slots <- struct{}{}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := load.Load(ctx, lab.Object(t, "tiny.o"), b.Options(load.Options{Jobs: slots})); !errors.Is(err, context.Canceled) {
			t.Errorf("called off: %v", err)
		}
		var loaded atomic.Int32
		o := b.Options(load.Options{Jobs: slots, Select: elf.Selector{Section: "xdp", Type: ebpf.XDP}})
		o.Loaded = func(*load.Loaded) error {
			loaded.Add(1)
			return nil
		}
		var loading sync.WaitGroup
		for range 2 {
			loading.Go(func() {
				l, err := load.Load(t.Context(), lab.Object(t, "sixteen.o"), o)
				if err != nil {
					t.Error(err)
					return
				}
				l.Close()
			})
		}
		synctest.Wait() // until all that run wait for something
		if n := loaded.Load(); n > 0 {
			t.Errorf("%d loaded before there was a slot", n)
		}
		<-slots
		loading.Wait()
		if len(slots) != 0 {
			t.Error("a slot was not given back")
		}
	})
}
