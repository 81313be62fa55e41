package netlink

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/netns"
)

// A 4096-instruction classic program, the longest there is, comes back whole
// in an echo or in a refusal: 32 KiB and its wrapping. A dump's messages are
// at most 32 KiB (net/netlink/af_netlink.c, netlink_dump).
const receiveBuffer = 64 << 10

// Attempts at a dump that the kernel marks as interrupted.
const dumpAttempts = 4

// A Config says how to [Dial]. The zero value is a socket in the network
// namespace of the calling thread.
type Config struct {
	// NetNS is an open file descriptor of a network namespace, 0 for the
	// current one. Dial does not close it.
	NetNS int
	// Warn, if not nil, is called with each sentence that the kernel adds to a
	// request that it carried out, before the method that made the request
	// returns.
	Warn func(Warning)
}

// A Conn is one NETLINK_ROUTE socket. It is safe for concurrent use; requests
// are sent one after the other. A method that returns an iterator reads the
// whole list before it yields, so the loop's body may use the Conn.
type Conn struct {
	config Config
	mu     sync.Mutex // held from a request to the end of its replies
	socket *socket
	nl     *netlink.Conn // of the socket
}

// Dial opens a Conn, which the caller must Close. A nil c is the zero Config.
//
// No privilege is needed to list; changes need CAP_NET_ADMIN over the network
// namespace's user namespace.
func Dial(c *Config) (*Conn, error) {
	if c == nil {
		c = &Config{}
	}
	s, err := socketIn(c.NetNS)
	if err != nil {
		return nil, newError("open netlink socket", 0, err)
	}
	return &Conn{config: *c, socket: s, nl: netlink.NewConn(s, 0)}, nil
}

// socketIn opens a socket in the network namespace of a descriptor, 0 for none.
func socketIn(ns int) (s *socket, err error) {
	if ns == 0 {
		return openSocket()
	}
	err = netns.In(ns, func() error {
		s, err = openSocket()
		return err
	})
	return s, err
}

// InNetNS calls fn in the network namespace of the Conn and returns its error. It is
// for what the kernel does in the namespace of the calling thread, such as
// bpf(2) with the index of a device. If the calling thread is in another, fn runs on
// a thread of its own, which takes CAP_SYS_ADMIN; goroutines that fn starts are not there.
//
// Who has no CAP_NET_ADMIN in that namespace, and so can change nothing there,
// stays where the calling thread is.
func (c *Conn) InNetNS(fn func() error) error {
	c.mu.Lock()
	fd, err := unix.IoctlRetInt(c.socket.fd, unix.SIOCGSKNS)
	c.mu.Unlock()
	switch {
	case errors.Is(err, fs.ErrPermission): // net/socket.c, sock_ioctl
		return fn()
	case err != nil:
		return newError("open network namespace", 0, err)
	}
	defer unix.Close(fd)
	return netns.In(fd, fn)
}

// Close closes the socket, when the request that is on its way is done.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nl.Close()
}

// A request is one message, the encoder of its body, and the words for its errors.
// One that could not be encoded is refused when it is to be sent.
type request struct {
	op      string
	ifindex int
	typ     uint16              // RTM_*
	flags   netlink.HeaderFlags // beside Request
	encoder
}

func (r *request) message() netlink.Message {
	return netlink.Message{
		Header: netlink.Header{
			Type:  netlink.HeaderType(r.typ),
			Flags: netlink.Request | r.flags,
		},
		Data: r.b,
	}
}

func (r *request) failed(err error) error { return newError(r.op, r.ifindex, err) }

// change carries out one request that answers with an acknowledgement.
func (c *Conn) change(r request) error { return c.changeAll([]request{r}, nil)[0] }

// get carries out one request that answers with one message. Where the kernel
// may answer with none, as to one for the placeholder of a qdisc that was
// deleted, r asks for an acknowledgement.
func get[T any](c *Conn, r request, decode func(*T, []byte) error) (*T, error) {
	v, unread := new(T), fmt.Errorf("nothing found: %w", fs.ErrNotExist)
	err := c.exchange([]request{r}, func(_ int, m netlink.Message) error {
		unread = decode(v, m.Data)
		return nil
	})[0]
	if err == nil {
		err = r.failed(unread)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// replies yields what comes next that answers the request with a sequence
// number. What a request has left that was given up comes before it, and is
// passed over, refusals too.
func (c *Conn) replies(sequence uint32) iter.Seq2[netlink.Message, error] {
	return func(yield func(netlink.Message, error) bool) {
		for foreign := true; foreign; {
			foreign = false
			for m, err := range c.nl.ReceiveIter() {
				to, ok := answered(m, err)
				if foreign = ok && to != sequence; foreign {
					continue
				}
				if !yield(m, err) {
					return
				}
			}
		}
	}
}

// answered is the sequence number of the request that a reply is for, or a
// refusal. An error of the socket is for none.
func answered(m netlink.Message, err error) (sequence uint32, ok bool) {
	if err == nil {
		return m.Header.Sequence, true
	}
	refused, ok := errors.AsType[*netlink.OpError](err)
	if !ok || refused.Sequence == 0 {
		return 0, false
	}
	return refused.Sequence, true
}

// sequence yields what read returns, and its error last.
func sequence[T any](read func() ([]*T, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		all, err := read()
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// list is a dump whose every message is one T: those that came before an error.
func list[T any](c *Conn, r request, decode func(*T, []byte) error) (all []*T, err error) {
	err = c.dump(r, func() { all = all[:0] }, func(b []byte) error {
		v := new(T)
		all = append(all, v)
		return decode(v, b)
	})
	return all, err
}

// dump lists what r asks for. reset is called before each attempt and must
// forget what decode kept from the attempt before.
func (c *Conn) dump(r request, reset func(), decode func([]byte) error) error {
	if r.err != nil {
		return r.failed(r.err)
	}
	r.flags |= netlink.Dump
	c.mu.Lock()
	defer c.mu.Unlock()
	for range dumpAttempts {
		reset()
		interrupted, err := c.dumpOnce(&r, decode)
		if err != nil {
			return r.failed(err)
		}
		if !interrupted {
			return nil
		}
	}
	return r.failed(ErrInterrupted)
}

func (c *Conn) dumpOnce(r *request, decode func([]byte) error) (interrupted bool, err error) {
	req, err := c.nl.Send(r.message())
	if err != nil {
		return false, err
	}
	var decodeErr error
	for m, err := range c.replies(req.Header.Sequence) {
		if err != nil {
			return false, err
		}
		interrupted = interrupted || m.Header.Flags&netlink.DumpInterrupted != 0
		if decodeErr == nil { // keep reading: the socket must be empty for the next request
			decodeErr = decode(m.Data)
		}
	}
	return interrupted, decodeErr
}

// warn reports the sentence in a successful acknowledgement, if any: the
// header is followed by the request's own (its body is left out only when
// NETLINK_CAP_ACK is on or the request succeeded), then by attributes.
func (c *Conn) warn(r *request, ack netlink.Message) {
	const ownHeader = 4 + unix.NLMSG_HDRLEN // errno, struct nlmsghdr
	if c.config.Warn == nil || ack.Header.Flags&netlink.AcknowledgeTLVs == 0 || len(ack.Data) < ownHeader {
		return
	}
	for d := newDecoder(ack.Data[ownHeader:]); d.next(); {
		if d.typ == unix.NLMSGERR_ATTR_MSG {
			c.config.Warn(Warning{Op: r.op, Ifindex: r.ifindex, Message: d.string()})
		}
	}
}

var errShort = errors.New("message too short")
