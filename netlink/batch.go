package netlink

import (
	"errors"
	"slices"

	"github.com/mdlayher/netlink"
)

// The kernel drops acknowledgements that overflow the socket's buffer: with its
// default size at 256 of them.
const batchSize = 128

// SetXDPs does [Conn.SetXDP] on many devices with as many requests in flight as
// one socket holds. The result has the error of each device in its place, nil
// where it succeeded. The kernel carries the requests out one after the other.
func (c *Conn) SetXDPs(ifindexes []int, x XDP) []error {
	errs := make([]error, 0, len(ifindexes))
	for chunk := range slices.Chunk(ifindexes, batchSize) {
		errs = append(errs, c.setXDPs(chunk, x)...)
	}
	return errs
}

func (c *Conn) setXDPs(ifindexes []int, x XDP) []error {
	errs := make([]error, len(ifindexes))
	requests := make([]request, len(ifindexes))
	for i, ifindex := range ifindexes {
		r, err := xdpRequest(ifindex, x)
		if err != nil { // it is x's, and so that of all
			for j := range errs {
				errs[j] = newError(r.op, ifindexes[j], err)
			}
			return errs
		}
		requests[i] = r
	}
	c.changeAll(requests, errs)
	return errs
}

// changeAll is change for up to batchSize requests that are sent as one
// datagram. Their errors go to errs.
func (c *Conn) changeAll(requests []request, errs []error) {
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
		return
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
