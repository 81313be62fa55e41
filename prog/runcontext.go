package prog

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/internal/kernelname"
)

// native is the byte order of structures of the kernel.
var native = binary.NativeEndian

// ContextField is the value of a field of a context, struct xdp_md or struct
// __sk_buff of include/uapi/linux/bpf.h: its name there, "cb[0]" for one of
// several, and a number. For XDP "data_meta" is the bytes in front of the packet, in
// hexadecimal.
type ContextField struct {
	Name, Value string // "ingress_ifindex", "7"
}

// ContextChange is a field that a program has changed.
type ContextChange struct {
	Name        string // as in [ContextField]
	Before, Now uint64 // as the kernel keeps it
}

// contextMember is a member of a context.
type contextMember struct {
	name         string
	offset, size int
	refused      string // why the kernel takes no value, "" if it does
}

const (
	xdpContext = 24  // sizeof(struct xdp_md)
	skbContext = 192 // sizeof(struct __sk_buff) since Linux 5.16
)

// contextMembers are the fields, with what the kernel says to values of them
// (net/bpf/test_run.c: xdp_convert_md_to_buff, convert___skb_to_skb).
func contextMembers(t ebpf.ProgramType) []contextMember {
	const ofData = "the kernel has it from the packet"
	if t == ebpf.XDP {
		return []contextMember{
			{"data", 0, 4, "the kernel has it from data_meta"},
			{"data_end", 4, 4, ofData},
			{"data_meta", 8, 4, ""},
			{"ingress_ifindex", 12, 4, ""},
			{"rx_queue_index", 16, 4, ""},
			{"egress_ifindex", 20, 4, "it is for programs of a DEVMAP, which are not run on their own"},
		}
	}
	const ofHeader = "the kernel has it from the Ethernet header"
	const ofSocket = "there is no socket"
	all := []contextMember{
		{"len", 0, 4, ofData},
		{"pkt_type", 4, 4, ofHeader},
		{"mark", 8, 4, ""},
		{"queue_mapping", 12, 4, "the kernel has it zero"},
		{"protocol", 16, 4, ofHeader},
		{"vlan_present", 20, 4, "a tag is in the packet or nowhere"},
		{"vlan_tci", 24, 4, "a tag is in the packet or nowhere"},
		{"vlan_proto", 28, 4, "a tag is in the packet or nowhere"},
		{"priority", 32, 4, ""},
		{"ingress_ifindex", 36, 4, ""},
		{"ifindex", 40, 4, ""},
		{"tc_index", 44, 4, "the kernel has it zero"},
		{"hash", 68, 4, "the kernel has it zero"},
		{"tc_classid", 72, 4, "the kernel has it zero"},
		{"data", 76, 4, ofData},
		{"data_end", 80, 4, ofData},
		{"napi_id", 84, 4, "the kernel has it zero"},
		{"family", 88, 4, ofSocket},
		{"data_meta", 140, 4, "the kernel gives socket buffers none"},
		{"tstamp", 152, 8, ""},
		{"wire_len", 160, 4, ""},
		{"gso_segs", 164, 4, ""},
		{"gso_size", 176, 4, ""},
		{"tstamp_type", 180, 1, "the kernel has it zero"},
		{"hwtstamp", 184, 8, ""},
	}
	for i := range 5 {
		all = append(all, contextMember{fmt.Sprintf("cb[%d]", i), 48 + 4*i, 4, ""})
	}
	return all
}

// contextRules is what there is to know about the values of fields that are accepted.
func contextRules(t ebpf.ProgramType) string {
	if t == ebpf.XDP {
		return "ingress_ifindex and rx_queue_index are of a queue that there is, and data_meta has up to 255 bytes, a multiple of 4, on Linux 6.5 and older up to 32, and before 5.15 no field can be told"
	}
	return "wire_len is at least the length of the packet and up to 65536, gso_segs is up to 65535, and what one kernel takes an older one may not"
}

// contextIn is what a program gets beside the packet.
type contextIn struct {
	context []byte // nil where there is none
	meta    []byte
}

func testContext(t ebpf.ProgramType, o RunOptions) (in contextIn, err error) {
	switch {
	case t == ebpf.XDP:
		in.context = make([]byte, xdpContext)
	case packetType(t):
		in.context = make([]byte, skbContext)
	case len(o.Context) > 0:
		return in, &RunError{Type: t, Cause: fmt.Sprintf("programs of type %s have no context whose fields can be told", kernelname.Program(t)), Err: unix.EINVAL}
	}
	members := contextMembers(t)
	for _, f := range o.Context {
		if err := in.set(t, members, f); err != nil {
			return in, &RunError{Type: t, Cause: fmt.Sprintf("context field %s: %v", f.Name, err), Err: unix.EINVAL}
		}
	}
	if t == ebpf.XDP {
		native.PutUint32(in.context, uint32(len(in.meta)))
		native.PutUint32(in.context[4:], uint32(len(in.meta)+len(o.Data)))
	}
	return in, nil
}

func (in *contextIn) set(t ebpf.ProgramType, members []contextMember, f ContextField) (err error) {
	i := slices.IndexFunc(members, func(m contextMember) bool { return m.name == f.Name })
	switch {
	case i < 0:
		return fmt.Errorf("there is none; the kernel accepts %s", strings.Join(settable(members), ", "))
	case members[i].refused != "":
		return fmt.Errorf("the kernel accepts no value: %s; it accepts %s", members[i].refused, strings.Join(settable(members), ", "))
	case t == ebpf.XDP && f.Name == "data_meta":
		if in.meta, err = hex.DecodeString(f.Value); err != nil {
			return fmt.Errorf("%q: expected bytes in hexadecimal", f.Value)
		}
		return nil
	}
	m := members[i]
	v, err := strconv.ParseUint(f.Value, 0, 8*m.size)
	if err != nil {
		return fmt.Errorf("%q: expected a number of %d bits", f.Value, 8*m.size)
	}
	m.put(in.context, v)
	return nil
}

func settable(members []contextMember) (names []string) {
	for _, m := range members {
		if m.refused == "" {
			names = append(names, m.name)
		}
	}
	return names
}

func (m contextMember) put(b []byte, v uint64) {
	if m.size == 8 {
		native.PutUint64(b[m.offset:], v)
	} else {
		native.PutUint32(b[m.offset:], uint32(v))
	}
}

func (m contextMember) value(b []byte) uint64 {
	switch {
	case m.offset+m.size > len(b):
		return 0
	case m.size == 8:
		return native.Uint64(b[m.offset:])
	case m.size == 4:
		return uint64(native.Uint32(b[m.offset:]))
	}
	return uint64(b[m.offset])
}

// changes compares the fields that a program can change.
func changes(t ebpf.ProgramType, before, now []byte) (out []ContextChange) {
	for _, m := range contextMembers(t) {
		if m.refused != "" || m.offset+m.size > len(now) || t == ebpf.XDP {
			continue
		}
		old, v := m.value(before), m.value(now)
		if old != v && (old != 0 || !filledIn(m.name)) {
			out = append(out, ContextChange{Name: m.name, Before: old, Now: v})
		}
	}
	return out
}

// filledIn reports whether the kernel gives the field a value of its own where
// none is given: the loopback device, and the length of the packet.
func filledIn(name string) bool {
	return slices.Contains([]string{"ifindex", "wire_len"}, name)
}
