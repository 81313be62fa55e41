package env

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
)

// Env is what a command works with: the global options, the streams, and the
// netlink socket that the commands of a batch share.
type Env struct {
	Globals
	Release string
	Tool    Tool
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer

	Line      Line // that is run
	Conn      *netlink.Conn
	inventory *attach.Inventory
	// fromKernel waits for [Env.PassOn]: the socket is in use when a warning comes.
	fromKernel []netlink.Warning
	progress   *Progress // that was begun last
	InBatch    *Batch    // nil without one
	Verifying  load.Jobs // for all that is loaded, nil before [Env.VerifierJobs]
}

// A Batch is what one line has found out and the next need not look for again.
type Batch struct {
	Devices map[string]int // indexes
	// Kept is what was loaded for more than one line, by what tells it apart.
	Kept map[any]io.Closer
	// Unwritten is why what a line shows could not be written, of the first such line.
	Unwritten error
	Untold    bool // a change was made that could not be reported
}

// NewBatch returns the state of a batch of which no line has run yet.
func NewBatch() *Batch {
	return &Batch{Devices: make(map[string]int), Kept: make(map[any]io.Closer)}
}

// Close gives the descriptors back.
func (b *Batch) Close() {
	for _, c := range b.Kept {
		_ = c.Close() // descriptors of ours only
	}
}

// Netlink returns the socket, which is opened when it is first needed.
func (e *Env) Netlink() (*netlink.Conn, error) {
	if e.Conn == nil {
		c, err := netlink.Dial(&netlink.Config{Warn: func(w netlink.Warning) { e.fromKernel = append(e.fromKernel, w) }})
		if err != nil {
			return nil, err
		}
		e.Conn = c
	}
	return e.Conn, nil
}

// Link finds the device called name.
func (e *Env) Link(name string) (*netlink.Conn, *netlink.Link, error) {
	c, err := e.Netlink()
	if err != nil {
		return nil, nil, err
	}
	l, err := c.Link(name)
	if err != nil {
		return nil, nil, &DeviceError{Name: name, Err: err}
	}
	return c, l, nil
}

// Known is what was looked up already.
func (e *Env) Known() *attach.Inventory {
	if e.inventory == nil {
		e.inventory = new(attach.Inventory)
	}
	return e.inventory
}

// VerifierJobs bounds what is verified at a time. The threads that the verifier works
// on need none of the processors that Go uses.
func (e *Env) VerifierJobs() load.Jobs {
	if e.Verifying == nil {
		e.Verifying = load.NewJobs(cmp.Or(e.Jobs, runtime.NumCPU()))
	}
	return e.Verifying
}

// Device finds the index of a device.
func (e *Env) Device(name string) (*netlink.Conn, int, error) {
	if e.InBatch != nil {
		if ifindex, ok := e.InBatch.Devices[name]; ok {
			conn, err := e.Netlink()
			return conn, ifindex, err
		}
	}
	conn, l, err := e.Link(name)
	if err != nil {
		return nil, 0, err
	}
	if e.InBatch != nil {
		e.InBatch.Devices[name] = l.Index
	}
	return conn, l.Index, nil
}

// Input opens a file to read; "-" is standard input.
func (e *Env) Input(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(e.Stdin), nil
	}
	return os.Open(name)
}

// Refuse prints what was found, for a command that ends with an error for all that.
func (e *Env) Refuse(found any, why error) (any, error) {
	if err := render.Write(e.Stdout, found, e.Options); err != nil {
		why = fmt.Errorf("%w; what was found could not be printed: %w", why, err)
	}
	return nil, why
}

// Close closes the netlink socket and what the lines of a batch have shared.
func (e *Env) Close() {
	if e.InBatch != nil {
		e.InBatch.Close()
	}
	if e.Conn != nil {
		e.Conn.Close()
	}
}
