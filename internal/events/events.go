// Package events reads what programs send to user space: the records of ring buffers and
// of perf event arrays.
package events

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/xdpload/xdpload/internal/kernelname"
)

// Of a perf event array the kernel keeps so many bytes for a reader on each CPU, and wakes
// it up when there are so many, or else it looks by itself: to wake it up for each record
// takes the program eight times as long as to send it.
const (
	perCPU    = 1 << 20
	watermark = 64 << 10
)

// Record is what a program has sent at once.
type Record struct {
	// Data is good until the next record is read. That of a perf event array has up to
	// seven bytes at its end which nobody wrote: the kernel pads it to a multiple of
	// eight, less four.
	Data []byte
	CPU  int // that it was sent on; -1 in a ring buffer, which does not tell
	// Lost is how many records of a perf event array did not fit, right before this
	// one, which then has no data. Of a ring buffer the program alone knows.
	Lost uint64
	More bool // there is another one already
}

// A Reader takes the records out of a map: each goes to one reader only. It is for one
// goroutine.
type Reader struct {
	more     bool
	read     func(*Record) error
	deadline func(time.Time)
	close    func() error
}

// Open begins to read. The map must be open to write, and stays the caller's; of a perf
// event array, the reader takes the place of whoever was there before, on every CPU that is
// online. The caller closes the reader.
func Open(m *ebpf.Map) (*Reader, error) {
	switch m.Type() {
	case ebpf.RingBuf:
		r, err := ringbuf.NewReader(m)
		if err != nil {
			return nil, err
		}
		var raw ringbuf.Record
		return &Reader{deadline: r.SetDeadline, close: r.Close, read: func(rec *Record) error {
			err := r.ReadInto(&raw)
			*rec = Record{Data: raw.RawSample, CPU: -1, More: raw.Remaining > 0}
			return err
		}}, nil
	case ebpf.PerfEventArray:
		r, err := perf.NewReaderWithOptions(m, perCPU, perf.ReaderOptions{Watermark: watermark})
		if err != nil {
			return nil, err
		}
		var raw perf.Record
		return &Reader{deadline: r.SetDeadline, close: r.Close, read: func(rec *Record) error {
			err := r.ReadInto(&raw)
			*rec = Record{Data: raw.RawSample, CPU: raw.CPU, Lost: raw.LostSamples, More: raw.Remaining > 0}
			return err
		}}, nil
	}
	return nil, fmt.Errorf("a map of type %s has no records: ringbuf and perf_event_array have", kernelname.Map(m.Type()))
}

// Read waits for the next record, and no longer than some time: then ok is false. Records
// that were sent without waking the reader up are found after that.
func (r *Reader) Read(rec *Record, wait time.Duration) (ok bool, err error) {
	if !r.more {
		r.deadline(time.Now().Add(wait))
	}
	err = r.read(rec)
	r.more = rec.More
	if errors.Is(err, os.ErrDeadlineExceeded) {
		*rec = Record{}
		return false, nil
	}
	return err == nil, err
}

// Close ends it. Records that were not read stay in a ring buffer; those of a perf event
// array are gone.
func (r *Reader) Close() error { return r.close() }
