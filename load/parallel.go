package load

import "sync"

// parallel calls f with 0 to n-1, up to jobs at a time, each on a goroutine
// of its own but for the last, which is the caller's. It returns the lowest
// number that failed and the error. What comes after a failure is not begun
// any more; what comes before it always is, so the result does not depend on
// timing.
func parallel(n, jobs int, f func(i int) error) (failed int, err error) {
	failed = n
	var mu sync.Mutex
	run := func(i int) {
		mu.Lock()
		skip := i > failed
		mu.Unlock()
		if skip {
			return
		}
		if fErr := f(i); fErr != nil {
			mu.Lock()
			defer mu.Unlock()
			if i < failed {
				failed, err = i, fErr
			}
		}
	}
	var running sync.WaitGroup
	slots := make(chan struct{}, jobs)
	for i := range n {
		if jobs == 1 {
			run(i) // in the caller's network namespace
			continue
		}
		slots <- struct{}{}
		if i == n-1 {
			run(i) // nearly every object has but one
			break
		}
		running.Go(func() {
			run(i)
			<-slots
		})
	}
	running.Wait()
	return failed, err
}
