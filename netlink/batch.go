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
	errs := make([]error, len(changes))
	requests := make([]request, 0, len(changes))
	places := make([]int, 0, len(changes)) // of the requests, in changes
	for i, x := range changes {
		r, err := xdpRequest(x.Ifindex, x.XDP)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			errs[i] = newError(r.op, r.ifindex, err)
			continue
		}
		requests, places = append(requests, r), append(places, i)
	}
	for i, err := range c.changeAll(requests, nil) {
		errs[places[i]] = err
	}
	return errs
}

// changeAll is change for up to batchSize requests that are sent as one
// datagram. The result has the error of each; what they echo goes to echo.
//
// The kernel answers in order, and what it refuses in any case. So only the last
// asks for an acknowledgement, unless one may hold a warning.
func (c *Conn) changeAll(requests []request, echo func(i int, m netlink.Message) error) []error {
	b := batch{requests: requests, errs: make([]error, len(requests)), echo: echo}
	if len(requests) == 0 {
		return b.errs
	}
	msgs := make([]netlink.Message, len(requests))
	for i := range requests {
		if c.config.Warn != nil || i == len(requests)-1 {
			requests[i].flags |= netlink.Acknowledge
		}
		msgs[i] = requests[i].message()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sent, err := c.nl.SendMessages(msgs)
	if err == nil {
		b.first = sent[0].Header.Sequence
	}
	for err == nil && b.answered < len(requests) {
		err = c.receiveAnswers(&b)
	}
	for i := b.answered; i < len(requests); i++ { // the socket failed
		b.errs[i] = newError(requests[i].op, requests[i].ifindex, err)
	}
	return b.errs
}

// A batch is what changeAll waits for.
type batch struct {
	requests []request
	errs     []error
	echo     func(i int, m netlink.Message) error
	first    uint32 // sequence number
	answered int    // requests
}

// receiveAnswers reads one datagram. An error is of the socket, not of a
// request.
func (c *Conn) receiveAnswers(b *batch) error {
	for m, err := range c.nl.ReceiveIter() {
		sequence, ok := answered(m, err)
		if !ok {
			return err
		}
		i := int(sequence - b.first)
		if i < 0 || i >= len(b.requests) {
			continue // a reply to a request that was given up
		}
		r := &b.requests[i]
		switch {
		case err != nil:
			b.errs[i] = newError(r.op, r.ifindex, err)
		case m.Header.Type == netlink.Error:
			c.warn(r, m)
		default:
			if b.echo != nil {
				b.errs[i] = r.unread(b.echo(i, m))
			}
			continue
		}
		b.answered = i + 1 // those before were answered too, or said nothing
	}
	return nil
}
