package netlink

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"github.com/mdlayher/netlink/nltest"
	"golang.org/x/sys/unix"
)

// fake is a Conn whose kernel is fn.
func fake(t *testing.T, fn nltest.Func) *Conn {
	c := &Conn{nl: nltest.Dial(fn)}
	t.Cleanup(func() { c.Close() })
	return c
}

// ack answers req with an error number and, if it is not empty, a sentence.
func ack(req netlink.Message, errno syscall.Errno, sentence string) netlink.Message {
	e := encoder{}
	header, _ := req.MarshalBinary()
	e.b = binary.NativeEndian.AppendUint32(e.b, uint32(-int32(errno)))
	e.b = append(e.b, header[:unix.NLMSG_HDRLEN]...)
	flags := netlink.HeaderFlags(0)
	if errno != 0 {
		e.b = append(e.b, req.Data...)
	} else {
		flags = netlink.Capped
	}
	if sentence != "" {
		flags |= netlink.AcknowledgeTLVs
		e.string(unix.NLMSGERR_ATTR_MSG, sentence)
	}
	return netlink.Message{
		Header: netlink.Header{Type: netlink.Error, Flags: flags, Sequence: req.Header.Sequence, PID: nltest.PID},
		Data:   e.b,
	}
}

func TestSetXDPMessage(t *testing.T) {
	var got netlink.Message
	c := fake(t, func(req []netlink.Message) ([]netlink.Message, error) {
		got = req[0]
		return []netlink.Message{ack(req[0], 0, "")}, nil
	})
	if err := c.SetXDP(3, XDP{FD: 7, NoReplace: true}); err != nil {
		t.Fatal(err)
	}
	want := netlink.Message{
		Header: netlink.Header{
			Length: 52, Type: unix.RTM_NEWLINK, Flags: netlink.Request | netlink.Acknowledge,
			Sequence: got.Header.Sequence, PID: nltest.PID,
		},
		Data: unhex(t, "00000000 03000000 00000000 00000000 14002b00 08000100 07000000 08000300 01000000"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestErrorCarriesTheKernelsSentence(t *testing.T) {
	tests := []struct {
		name     string
		errno    syscall.Errno
		sentence string
		text     string
		is       error
	}{
		{
			"with", syscall.EBUSY, "XDP program already attached.",
			"attach xdp: XDP program already attached (device or resource busy)", os.ErrExist,
		},
		{"without", syscall.EINVAL, "", "attach xdp: invalid argument", syscall.EINVAL},
		{"privilege", syscall.EPERM, "", "attach xdp: operation not permitted", os.ErrPermission},
		{"leaked by a driver", 524, "", "attach xdp: errno 524", errors.ErrUnsupported},
		{"device", syscall.ENODEV, "", "attach xdp: no such device", os.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fake(t, func(req []netlink.Message) ([]netlink.Message, error) {
				return []netlink.Message{ack(req[0], tt.errno, tt.sentence)}, nil
			})
			err := c.SetXDP(3, XDP{FD: 7})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Ifindex != 3 || e.Message != tt.sentence || e.Errno() != tt.errno || e.Unanswered || e.Error() != tt.text {
				t.Errorf("got %+v: %v", e, e)
			}
			if !errors.Is(err, tt.is) || errors.Is(err, io.EOF) {
				t.Errorf("%v is not %v", err, tt.is)
			}
		})
	}
}

// TestUnanswered: the error number of a socket that cannot be read is no refusal,
// and neither is an echo that cannot.
func TestUnanswered(t *testing.T) {
	filter := &Filter{Ifindex: 3, Parent: Ingress, Kind: "bpf", BPF: &BPFFilter{FD: 7}}
	for name, answer := range map[string]nltest.Func{
		"socket": func([]netlink.Message) ([]netlink.Message, error) {
			return nil, os.NewSyscallError("recvfrom", syscall.EEXIST)
		},
		"echo": func(req []netlink.Message) ([]netlink.Message, error) {
			echo := netlink.Message{Header: netlink.Header{Type: unix.RTM_NEWTFILTER, Sequence: req[0].Header.Sequence, PID: nltest.PID}}
			return []netlink.Message{echo, ack(req[0], 0, "")}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, alone := fake(t, answer).AddFilter(filter)
			_, together := fake(t, answer).AddFilters([]*Filter{filter})
			for _, err := range append(together, alone) {
				if e, ok := errors.AsType[*Error](err); !ok || !e.Unanswered || e.Errno() != 0 {
					t.Errorf("got %+v", err)
				}
			}
		})
	}
}

func TestWarning(t *testing.T) {
	c := fake(t, func(req []netlink.Message) ([]netlink.Message, error) {
		return []netlink.Message{ack(req[0], 0, "not offloaded")}, nil
	})
	var got []Warning
	c.config.Warn = func(w Warning) { got = append(got, w) }
	if err := c.SetXDP(3, XDP{FD: -1}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Warning{{Op: "detach xdp", Ifindex: 3, Message: "not offloaded"}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// links is a dump's datagram with one link for each index.
func links(req netlink.Message, flags netlink.HeaderFlags, indexes ...int) []netlink.Message {
	var msgs []netlink.Message
	for _, i := range indexes {
		msgs = append(msgs, netlink.Message{
			Header: netlink.Header{
				Type: unix.RTM_NEWLINK, Flags: netlink.Multi | flags,
				Sequence: req.Header.Sequence, PID: nltest.PID,
			},
			Data: linkMessage(i, nil).b,
		})
	}
	return append(msgs, netlink.Message{Header: netlink.Header{
		Type: netlink.Done, Flags: netlink.Multi, Sequence: req.Header.Sequence, PID: nltest.PID,
	}})
}

func indexes(c *Conn) (got []int, err error) {
	for l, err := range c.Links() {
		if err != nil {
			return got, err
		}
		got = append(got, l.Index)
	}
	return got, nil
}

// TestDumpIsReadAgainWhenInterrupted: whichever of its messages says so.
func TestDumpIsReadAgainWhenInterrupted(t *testing.T) {
	for marked := range 2 {
		calls := 0
		c := fake(t, func(req []netlink.Message) ([]netlink.Message, error) {
			if calls++; calls == 1 {
				all := links(req[0], 0, 1, 2)
				all[marked].Header.Flags |= netlink.DumpInterrupted
				return all, nil
			}
			return links(req[0], 0, 1, 2, 3), nil
		})
		got, err := indexes(c)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{1, 2, 3}, got); diff != "" {
			t.Errorf("message %d is marked: -want +got:\n%s", marked, diff)
		}
	}
}

func TestDumpInterruptedForEver(t *testing.T) {
	c := fake(t, func(req []netlink.Message) ([]netlink.Message, error) {
		return links(req[0], netlink.DumpInterrupted, 1, 2), nil
	})
	got, err := indexes(c)
	if !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]int{1, 2}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMalformedReply(t *testing.T) {
	c := fake(t, func(req []netlink.Message) ([]netlink.Message, error) {
		msgs := links(req[0], 0, 1, 2)
		msgs[0].Data = append(msgs[0].Data, 0xff, 0xff, 3, 0)
		return msgs, nil
	})
	if _, err := indexes(c); err == nil {
		t.Error("no error")
	}
}

// leftovers is a Conn whose kernel still has the replies to a request that was
// given up, in datagrams before that of the own reply.
func leftovers(t *testing.T, own func(req netlink.Message) []netlink.Message) *Conn {
	var queue [][]netlink.Message
	return fake(t, func(requests []netlink.Message) ([]netlink.Message, error) {
		if len(requests) > 0 {
			before := requests[0]
			before.Header.Sequence--
			queue = [][]netlink.Message{
				{ack(before, 0, "")},
				{ack(before, syscall.EBUSY, "")},
				links(before, 0, 7, 8),
				own(requests[len(requests)-1]),
			}
		}
		if len(queue) == 0 {
			return nil, errors.New("nothing left to receive")
		}
		next := queue[0]
		queue = queue[1:]
		return next, nil
	})
}

// TestForeignReplies: what answers another request is no answer, be it an
// acknowledgement, a refusal or a list.
func TestForeignReplies(t *testing.T) {
	refuse := func(req netlink.Message) []netlink.Message { return []netlink.Message{ack(req, syscall.EPERM, "")} }
	accept := func(req netlink.Message) []netlink.Message { return []netlink.Message{ack(req, 0, "")} }
	if err := leftovers(t, refuse).SetXDP(3, XDP{FD: 7}); !errors.Is(err, syscall.EPERM) {
		t.Errorf("a refused change: %v", err)
	}
	if err := leftovers(t, accept).SetXDP(3, XDP{FD: 7}); err != nil {
		t.Errorf("a change: %v", err)
	}
	errs := leftovers(t, refuse).SetXDPs(t.Context(), onAll([]int{3, 4}, XDP{FD: 7}))
	if errs[0] != nil || !errors.Is(errs[1], syscall.EPERM) {
		t.Errorf("two changes, of which the second is refused: %v", errs)
	}
	one := func(req netlink.Message) []netlink.Message {
		m := links(req, 0, 3)[0]
		m.Header.Flags &^= netlink.Multi
		return []netlink.Message{m}
	}
	if l, err := leftovers(t, one).LinkByIndex(3); err != nil || l.Index != 3 {
		t.Errorf("device 3: got %+v, %v", l, err)
	}
	got, err := indexes(leftovers(t, func(req netlink.Message) []netlink.Message { return links(req, 0, 1, 2) }))
	if diff := cmp.Diff([]int{1, 2}, got); err != nil || diff != "" {
		t.Errorf("list: %v, -want +got:\n%s", err, diff)
	}
}
