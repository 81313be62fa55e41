package subject

import (
	"fmt"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/netlink"
	"github.com/xdpload/xdpload/offload"
	"github.com/xdpload/xdpload/pin"
	"github.com/xdpload/xdpload/prog"
)

// ProgramReport names a program.
type ProgramReport struct {
	ID   uint32 `json:"id" always:"id %d"`
	Name string `json:"name" text:" name %s"`
	Tag  string `json:"tag" text:" tag %s"`
}

// MapReport names a map.
type MapReport struct {
	ID     uint32 `json:"id" always:"id %d"`
	Name   string `json:"name" text:" name %s"`
	Pinned string `json:"pinned,omitempty" text:" pinned %s"` // the path
	Reused bool   `json:"reused,omitempty" text:" reused"`    // it was there before
}

// ReportProgram reports on a program by id, name and tag, nil for none.
func ReportProgram(p *prog.Info) *ProgramReport {
	if p == nil {
		return nil
	}
	return &ProgramReport{ID: p.ID, Name: p.Name, Tag: p.Tag}
}

// Is reports whether both are the same program, or none.
func (p *ProgramReport) Is(o *ProgramReport) bool {
	return p == o || p != nil && o != nil && *p == *o
}

func (p *ProgramReport) String() string { return render.Fields(p) }

// BPFLink is the bpf_link that holds a program.
type BPFLink struct {
	ID        uint32    `json:"id" always:"bpf_link %d"`
	Pinned    []string  `json:"pinned,omitempty" text:" pinned %s"`
	Processes []Process `json:"processes,omitempty" text:" held by %v"` // that have it open
}

func (l *BPFLink) String() string { return render.Fields(l) }

// ReportLink reports on a bpf_link by its id, nil for none.
func ReportLink(l *attach.LinkInfo) *BPFLink {
	if l == nil {
		return nil
	}
	return &BPFLink{ID: l.ID}
}

// DescribeLink is ReportLink with the paths at which the link is pinned.
func DescribeLink(e *env.Env, l *attach.LinkInfo) *BPFLink {
	r := ReportLink(l)
	if r != nil {
		r.Pinned = FindPins(e).Of(pin.Link, r.ID)
	}
	return r
}

// ReportMaps leaves out those of a program that was not attached.
func ReportMaps(maps []*load.Map, unchanged bool) (out []MapReport) {
	if unchanged {
		return nil
	}
	for _, m := range maps {
		out = append(out, MapReport{ID: m.ID, Name: m.Name, Pinned: m.Pin, Reused: m.Reused})
	}
	return out
}

// BoundDevice is the device that keeps a program or a map.
type BoundDevice struct {
	Ifindex int    `json:"ifindex"`
	NSDev   uint64 `json:"ns_dev"`
	NSInode uint64 `json:"ns_inode"`
	Name    string `json:"device,omitempty"` // in this network namespace
}

// DescribeBinding reports on the device that a program or map is bound to, nil for none.
func DescribeBinding(e *env.Env, b *offload.Binding) *BoundDevice {
	if b == nil {
		return nil
	}
	d := &BoundDevice{Ifindex: b.Ifindex, NSDev: b.NetNSDev, NSInode: b.NetNSInode}
	if !b.Here() {
		return d
	}
	if conn, err := e.Netlink(); err == nil {
		if l, err := conn.LinkByIndex(b.Ifindex); err == nil { // else it has just gone
			d.Name = l.Name
		}
	}
	return d
}

func (d *BoundDevice) String() string {
	if d.Name != "" {
		return d.Name
	}
	return fmt.Sprintf("ifindex %d ns_dev %d ns_inode %d", d.Ifindex, d.NSDev, d.NSInode)
}

// MaxBytecodeText is more than 4096 instructions take.
const MaxBytecodeText = 1 << 20

// BytecodeReport is a classic program.
type BytecodeReport struct {
	Length int                   `json:"length"`
	Insns  []netlink.Instruction `json:"insns"`
}

// ReportBytecode reports on a classic program, nil for one without instructions.
func ReportBytecode(program []netlink.Instruction) *BytecodeReport {
	if len(program) == 0 {
		return nil
	}
	return &BytecodeReport{Length: len(program), Insns: program}
}

// String is what tc prints, and reads.
func (r *BytecodeReport) String() string { return netlink.FormatBytecode(r.Insns) }
