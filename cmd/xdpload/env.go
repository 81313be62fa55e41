package main

import (
	"io"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// env is what a command works with: the global options, the streams, and the
// netlink socket that the commands of a batch share.
type env struct {
	globals
	version string
	tool    tool
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer

	conn      *netlink.Conn
	inventory *attach.Inventory
	batch     *batch    // nil without one
	jobs      load.Jobs // for all that is loaded, nil for the default
}

// A batch is what its lines need not look for again.
type batch struct {
	devices map[string]int // indexes
	// kept is what was loaded for more than one line, by what tells it apart.
	kept map[any]io.Closer
}

func newBatch() *batch {
	return &batch{devices: make(map[string]int), kept: make(map[any]io.Closer)}
}

// close gives the descriptors back.
func (b *batch) close() {
	for _, c := range b.kept {
		_ = c.Close() // descriptors of ours only
	}
}

// netlink returns the socket, which is opened when it is first needed.
func (e *env) netlink() (*netlink.Conn, error) {
	if e.conn == nil {
		c, err := netlink.Dial(nil)
		if err != nil {
			return nil, err
		}
		e.conn = c
	}
	return e.conn, nil
}

// link finds the device called name.
func (e *env) link(name string) (*netlink.Conn, *netlink.Link, error) {
	c, err := e.netlink()
	if err != nil {
		return nil, nil, err
	}
	l, err := c.Link(name)
	if err != nil {
		return nil, nil, &deviceError{Name: name, Err: err}
	}
	return c, l, nil
}

// known is what was looked up already.
func (e *env) known() *attach.Inventory {
	if e.inventory == nil {
		e.inventory = new(attach.Inventory)
	}
	return e.inventory
}

// verifierJobs bounds what is verified at a time, nil for the default.
func (e *env) verifierJobs() load.Jobs {
	if e.jobs == nil && e.Jobs != 0 {
		e.jobs = load.NewJobs(e.Jobs)
	}
	return e.jobs
}

// device finds the index of a device.
func (e *env) device(name string) (*netlink.Conn, int, error) {
	if e.batch != nil {
		if ifindex, ok := e.batch.devices[name]; ok {
			conn, err := e.netlink()
			return conn, ifindex, err
		}
	}
	conn, l, err := e.link(name)
	if err != nil {
		return nil, 0, err
	}
	if e.batch != nil {
		e.batch.devices[name] = l.Index
	}
	return conn, l.Index, nil
}

func (e *env) close() {
	if e.batch != nil {
		e.batch.close()
	}
	if e.conn != nil {
		e.conn.Close()
	}
}
