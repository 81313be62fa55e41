package netlink

import (
	"context"
	"slices"

	"github.com/mdlayher/netlink"
)

// The kernel drops replies that overflow the socket's buffer: with its default
// size at 256 acknowledgements, or half as many with an echo before each.
const (
	batchSize     = 128
	echoBatchSize = 64
	// echoBatchBytes bounds what a batch echoes: 48 KiB beside what the kernel
	// counts for each message.
	echoBatchBytes = 48 << 10
)

// A DeviceXDP is what [Conn.SetXDPs] does with one device.
type DeviceXDP struct {
	Ifindex int
	XDP
}

// SetXDPs does [Conn.SetXDP] on many devices with as many requests in flight as
// one socket holds. The result has the error of each device in its place, nil
// where it succeeded. The kernel carries the requests out one after the other.
// When ctx ends, what is in flight is finished, and the error of what is left
// wraps that of ctx.
func (c *Conn) SetXDPs(ctx context.Context, changes []DeviceXDP) []error {
	errs := make([]error, 0, len(changes))
	for chunk := range slices.Chunk(changes, batchSize) {
		errs = append(errs, c.setXDPs(ctx, chunk)...)
	}
	return errs
}

func (c *Conn) setXDPs(ctx context.Context, changes []DeviceXDP) []error {
	requests := make([]request, len(changes))
	for i, x := range changes {
		requests[i] = xdpRequest(x.Ifindex, x.XDP)
		if requests[i].err == nil {
			requests[i].err = ctx.Err()
		}
	}
	return c.changeAll(requests, nil)
}

// changeEchoed is changeAll for any number of requests that echo about what they
// send: with as many in flight as one socket holds.
func (c *Conn) changeEchoed(requests []request, echo func(i int, m netlink.Message) error) []error {
	errs := make([]error, 0, len(requests))
	for begin := 0; begin < len(requests); begin = len(errs) {
		n, bytes := 0, 0
		for _, r := range requests[begin:] {
			if bytes += len(r.b); n == echoBatchSize || n > 0 && bytes > echoBatchBytes {
				break
			}
			n++
		}
		errs = append(errs, c.changeAll(requests[begin:begin+n], func(i int, m netlink.Message) error {
			return echo(begin+i, m)
		})...)
	}
	return errs
}

// changeAll carries out up to batchSize requests that are sent as one datagram. The
// result has the error of each; what they echo goes to echo.
//
// The kernel answers in order, and what it refuses in any case. So only the last
// asks for an acknowledgement, unless one may hold a warning.
func (c *Conn) changeAll(requests []request, echo func(i int, m netlink.Message) error) []error {
	last := len(requests) - 1
	for last > 0 && requests[last].err != nil {
		last--
	}
	for i := range requests {
		if c.config.Warn != nil || i == last {
			requests[i].flags |= netlink.Acknowledge
		}
	}
	return c.exchange(requests, echo)
}

// exchange sends requests as one datagram. Each is answered by an acknowledgement, or
// where it asks for none by one message. The result has the error of each; messages
// that are no acknowledgement go to reply.
func (c *Conn) exchange(requests []request, reply func(i int, m netlink.Message) error) []error {
	b := batch{requests: requests, errs: make([]error, len(requests)), reply: reply}
	msgs := make([]netlink.Message, 0, len(requests))
	for i := range requests {
		r := &requests[i]
		if r.err != nil {
			b.errs[i] = r.failed(r.err)
			continue
		}
		b.sent, msgs = append(b.sent, i), append(msgs, r.message())
	}
	if len(msgs) == 0 {
		return b.errs
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sent, err := c.nl.SendMessages(msgs)
	if err == nil {
		b.first = sent[0].Header.Sequence
	}
	for err == nil && b.answered < len(b.sent) {
		err = c.receiveAnswers(&b)
	}
	for _, i := range b.sent[b.answered:] { // the socket failed
		b.errs[i] = requests[i].failed(err)
	}
	return b.errs
}

// A batch is what exchange waits for.
type batch struct {
	requests []request
	errs     []error
	reply    func(i int, m netlink.Message) error
	sent     []int  // of the requests
	first    uint32 // sequence number
	answered int    // of those that were sent
}

// receiveAnswers reads one datagram. An error is of the socket, not of a
// request.
func (c *Conn) receiveAnswers(b *batch) error {
	for m, err := range c.nl.ReceiveIter() {
		sequence, ok := answered(m, err)
		if !ok {
			return err
		}
		n := int(sequence - b.first)
		if n < 0 || n >= len(b.sent) {
			continue // a reply to a request that was given up
		}
		i := b.sent[n]
		switch r := &b.requests[i]; {
		case err != nil:
			b.errs[i] = r.failed(err)
		case m.Header.Type == netlink.Error:
			c.warn(r, m)
		default:
			if b.reply != nil {
				if err := b.reply(i, m); err != nil {
					b.errs[i] = r.unread(err)
				}
			}
			if r.flags&netlink.Acknowledge != 0 {
				continue
			}
		}
		b.answered = n + 1 // those before were answered too, or said nothing
	}
	return nil
}
