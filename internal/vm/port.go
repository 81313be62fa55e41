package main

import (
	"io"
	"sync"
)

// buffer collects what comes out of a serial port.
type buffer struct {
	mu   sync.Mutex
	more sync.Cond // data or eof have changed
	data []byte
	eof  bool
}

// collect reads r to its end, in the background.
func collect(r io.Reader) *buffer {
	b := &buffer{}
	b.more.L = &b.mu
	go func() {
		// An error of a pipe is as good as its end.
		_, _ = io.Copy(b, r)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.eof = true
		b.more.Broadcast()
	}()
	return b
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	b.more.Broadcast()
	return len(p), nil
}

// slice waits for the bytes up to position to, and returns those from from.
// There are fewer when the port's end comes first.
func (b *buffer) slice(from, to int64) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	for int64(len(b.data)) < to && !b.eof {
		b.more.Wait()
	}
	n := int64(len(b.data))
	return b.data[min(from, n):min(to, n)]
}

// end waits for the port's end and returns all that came.
func (b *buffer) end() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.eof {
		b.more.Wait()
	}
	return string(b.data)
}
