package main

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
)

// counter is the map in which a program counts packets.
type counter struct{ *ebpf.Map }

func (c *counter) value() (int, error) {
	var n uint64
	err := c.Lookup(uint32(0), &n)
	return int(n), err
}

// reach waits until counters have counted n packets together, and returns what
// they have counted. On a machine that delivers packets they get there.
func reach(n int, counters ...*counter) (int, error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		sum := 0
		for _, c := range counters {
			v, err := c.value()
			if err != nil {
				return 0, err
			}
			sum += v
		}
		if sum >= n {
			return sum, nil
		}
		if time.Now().After(deadline) {
			return sum, fmt.Errorf("%d packets of %d were counted", sum, n)
		}
	}
}

// patience keeps the demonstration from waiting for ever for what never comes.
const patience = 30 * time.Second
