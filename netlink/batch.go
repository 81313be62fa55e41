package netlink

import (
	"context"
	"errors"
	"slices"

	"github.com/mdlayher/netlink"
)

// The kernel drops acknowledgements that overflow the socket's buffer: with its
// default size at 256 of them.
const batchSize = 128

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
	for i, err := range c.changeAll(requests) {
		errs[places[i]] = err
	}
	return errs
}

// changeAll is change for up to batchSize requests that are sent as one
// datagram. The result has the error of each.
func (c *Conn) changeAll(requests []request) []error {
	errs := make([]error, len(requests))
	if len(requests) == 0 {
		return errs
	}
	msgs := make([]netlink.Message, len(requests))
	for i := range requests {
		requests[i].flags |= netlink.Acknowledge
		msgs[i] = requests[i].message()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sent, err := c.nl.SendMessages(msgs)
	if err != nil {
		for i, r := range requests {
			errs[i] = newError(r.op, r.ifindex, err)
		}
		return errs
	}
	waiting := make(map[uint32]int, len(sent)) // by sequence number
	for i, m := range sent {
		waiting[m.Header.Sequence] = i
	}
	for err == nil && len(waiting) > 0 {
		err = c.receiveAcks(requests, errs, waiting)
	}
	for _, i := range waiting { // the socket failed
		errs[i] = newError(requests[i].op, requests[i].ifindex, err)
	}
	return errs
}

// receiveAcks reads one datagram and takes the requests that it answers from
// waiting. An error is of the socket, not of a request.
func (c *Conn) receiveAcks(requests []request, errs []error, waiting map[uint32]int) error {
	for m, err := range c.nl.ReceiveIter() {
		sequence := m.Header.Sequence
		if refused, ok := errors.AsType[*netlink.OpError](err); ok && refused.Sequence != 0 {
			sequence = refused.Sequence
		} else if err != nil {
			return err
		}
		i, ok := waiting[sequence]
		if !ok {
			continue
		}
		delete(waiting, sequence)
		if errs[i] = newError(requests[i].op, requests[i].ifindex, err); err == nil {
			c.warn(&requests[i], m)
		}
	}
	return nil
}
