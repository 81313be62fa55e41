package load

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestParallelLimit: each call waits until as many as there may be have
// begun, and one too many would be seen.
func TestParallelLimit(t *testing.T) {
	for _, tt := range []struct{ n, jobs int }{{0, 1}, {1, 4}, {6, 1}, {6, 2}, {6, 3}, {12, 4}, {4, 4}} {
		t.Run(fmt.Sprintf("%d of %d", tt.jobs, tt.n), func(t *testing.T) {
			var running, most atomic.Int32
			var mu sync.Mutex
			var ran []int
			var begun atomic.Int32
			full := make(chan struct{})
			failed, err := parallel(tt.n, tt.jobs, func(i int) error {
				now := running.Add(1)
				defer running.Add(-1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				mu.Lock()
				ran = append(ran, i)
				mu.Unlock()
				if i < tt.jobs && tt.n >= tt.jobs {
					if begun.Add(1) == int32(tt.jobs) {
						close(full)
					}
					<-full
				}
				return nil
			})
			if err != nil || failed != tt.n {
				t.Errorf("got %d, %v", failed, err)
			}
			slices.Sort(ran)
			for i := range tt.n {
				if i >= len(ran) || ran[i] != i {
					t.Fatalf("ran %v", ran)
				}
			}
			if want := int32(min(tt.n, tt.jobs)); most.Load() != want {
				t.Errorf("%d at a time, want %d", most.Load(), want)
			}
		})
	}
}

// TestParallelFirstFailure: of failures the lowest wins, though it comes last.
func TestParallelFirstFailure(t *testing.T) {
	late := errors.New("late")
	quick := errors.New("quick")
	for _, jobs := range []int{2, 5, 8} {
		var done sync.WaitGroup
		done.Add(1)
		failed, err := parallel(8, jobs, func(i int) error {
			switch i {
			case 0:
				done.Wait()
				return late
			case 1:
				done.Done()
				return quick
			}
			return nil
		})
		if failed != 0 || !errors.Is(err, late) {
			t.Errorf("%d jobs: got %d, %v", jobs, failed, err)
		}
	}
	var ran []int
	failed, err := parallel(8, 1, func(i int) error {
		ran = append(ran, i)
		if i >= 2 {
			return quick
		}
		return nil
	})
	if failed != 2 || !errors.Is(err, quick) || !slices.Equal(ran, []int{0, 1, 2}) {
		t.Errorf("one after the other: got %d, %v, ran %v", failed, err, ran)
	}
}

func TestThreads(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
		want int
	}{
		{"given", Options{Jobs: NewJobs(3)}, 3},
		{"more than processors", Options{Jobs: NewJobs(500)}, 500},
		{"all processors", Options{}, runtime.GOMAXPROCS(0)},
		{"for a device", Options{Jobs: NewJobs(3), Ifindex: 1}, 1},
	} {
		if got := (&loader{options: tt.o}).threads(); got != tt.want {
			t.Errorf("%s: %d threads, want %d", tt.name, got, tt.want)
		}
	}
}
