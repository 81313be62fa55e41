package netlink

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// NetNSID is the number by which the socket's network namespace calls another, of which
// fd is an open descriptor. One that it has no number for, as no device here is
// related to one there, is -1.
func (c *Conn) NetNSID(fd int) (int32, error) {
	r := request{op: "get namespace id", typ: unix.RTM_GETNSID, encoder: encoder{b: make([]byte, sizeofRtgenmsg)}}
	r.u32(unix.NETNSA_FD, uint32(fd))
	id, err := get(c, r, func(id *int32, b []byte) error {
		if len(b) < sizeofRtgenmsg {
			return fmt.Errorf("namespace id: %w", errShort)
		}
		*id = -1
		d := newDecoder(b[sizeofRtgenmsg:])
		for d.next() {
			if d.typ == unix.NETNSA_NSID {
				*id = int32(d.u32())
			}
		}
		return d.err
	})
	if err != nil {
		return 0, err
	}
	return *id, nil
}

// sizeofRtgenmsg is struct rtgenmsg, padded.
const sizeofRtgenmsg = 4
