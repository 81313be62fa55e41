package netlink

import (
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Filter is a tc classifier on a hook of a device or of a shared block. It
// is identified by the hook and by Chain, Pref, Protocol and Handle.
type Filter struct {
	// Ifindex and Parent are the hook; or Block, if it is not 0, is a shared
	// block that stands for the hooks of several qdiscs.
	Ifindex int
	Parent  Parent
	Block   uint32

	// Chain is 0 for the chain that packets enter.
	Chain uint32
	// Pref orders a chain, lowest first. To add, 0 is the kernel's choice:
	// one below the lowest, first 49152.
	Pref uint16
	// Protocol is the packets' protocol. All filters of one pref have the
	// same. tc(8) takes ProtocolAll where none is named.
	Protocol Protocol
	// Handle tells filters of one pref apart. To add, 0 is the kernel's
	// choice: the lowest that is free, from 1.
	Handle uint32

	// Kind is the classifier. Of a kind other than "bpf" only what all kinds
	// share is decoded.
	Kind string
	// BPF are the options of kind "bpf".
	BPF *BPFFilter

	// Head, in a reply, marks the message with which the kernel opens a pref
	// of a chain in a list: it has neither handle nor options.
	Head bool
	// Unlisted, in a list, marks a filter that is there, and that the kernel has
	// no message for: a long classic program on older kernels.
	Unlisted bool
}

// A BPFFilter is what a filter of kind "bpf" runs (net/sched/cls_bpf.c).
type BPFFilter struct {
	// FD is a program of type SCHED_CLS, if Bytecode is empty. It stays the
	// caller's.
	FD int
	// Name is free text for an FD, by custom "FILE:[SECTION]", up to 255 bytes.
	Name string
	// Bytecode is a classic program, up to MaxInstructions.
	Bytecode []Instruction

	// Direct takes the program's return value as the verdict; otherwise it is
	// the class, 0 for no match, -1 for ClassID, and Actions give the verdict.
	Direct  bool
	ClassID Handle

	Actions []*Action
	Police  *Police

	SkipHW, SkipSW bool

	// Replies only.
	InHW, NotInHW bool
	ProgramID     uint32
	Tag           []byte // 8 bytes
	Stats         *Stats // of Police; Bytes, Packets, Drops and Overlimits
}

func (f *Filter) tcmsg() tcmsg {
	m := hook(f.Ifindex, f.Block, f.Parent)
	m.handle, m.info = f.Handle, info(f.Pref, f.Protocol)
	return m
}

// filterRequest is what tc(8) sends, byte for byte. The classifier's options are
// part of what sets a filter.
func filterRequest(op string, typ uint16, flags netlink.HeaderFlags, f *Filter) request {
	r := tcRequest(op, typ, flags, f.tcmsg())
	if f.Chain != 0 {
		r.u32(unix.TCA_CHAIN, f.Chain)
	}
	if f.Kind != "" {
		r.string(unix.TCA_KIND, f.Kind)
	}
	if typ == unix.RTM_NEWTFILTER && f.BPF != nil {
		r.nest(unix.TCA_OPTIONS, func() { f.BPF.encode(&r.encoder) })
	}
	return r
}

func (b *BPFFilter) encode(e *encoder) {
	if b.ClassID != 0 {
		e.u32(_TCA_BPF_CLASSID, uint32(b.ClassID))
	}
	if len(b.Actions) > 0 {
		encodeActions(e, _TCA_BPF_ACT, b.Actions)
	}
	if b.Police != nil {
		e.nest(_TCA_BPF_POLICE, func() { b.Police.encode(e) })
	}
	if len(b.Bytecode) > 0 {
		encodeBytecode(e, _TCA_BPF_OPS_LEN, _TCA_BPF_OPS, b.Bytecode)
	} else {
		e.u32(_TCA_BPF_FD, uint32(b.FD))
		if b.Name != "" {
			e.string(_TCA_BPF_NAME, b.Name)
		}
	}
	if gen := bitIf(b.SkipHW, _TCA_CLS_FLAGS_SKIP_HW) | bitIf(b.SkipSW, _TCA_CLS_FLAGS_SKIP_SW); gen != 0 {
		e.u32(_TCA_BPF_FLAGS_GEN, gen)
	}
	if b.Direct {
		e.u32(_TCA_BPF_FLAGS, _TCA_BPF_FLAG_ACT_DIRECT)
	}
}

func (f *Filter) decode(b []byte) error {
	m, d, err := decodeTcmsg(b)
	if err != nil {
		return err
	}
	f.Ifindex, f.Block, f.Parent = m.where()
	f.Handle = m.handle
	f.Pref, f.Protocol = m.prefAndProtocol()
	f.Head = true
	var options []byte
	var stats *Stats
	for d.next() {
		switch d.typ {
		case unix.TCA_KIND:
			f.Kind = d.kind()
		case unix.TCA_CHAIN:
			f.Chain = d.u32()
		case unix.TCA_OPTIONS:
			options, f.Head = d.data, false
		case unix.TCA_STATS:
			stats = d.tcStats()
		}
	}
	if d.err == nil && f.Kind == "bpf" && !f.Head {
		f.BPF = &BPFFilter{Stats: stats}
		d = newDecoder(options)
		if err := f.BPF.decode(d); err != nil {
			return fmt.Errorf("filter of device %d: %w", f.Ifindex, err)
		}
	}
	if d.err != nil {
		return fmt.Errorf("filter of device %d: %w", f.Ifindex, d.err)
	}
	return nil
}

// kind does not allocate for the one that lists are full of.
func (d *decoder) kind() string {
	if string(d.data) == "bpf\x00" {
		return "bpf"
	}
	return d.string()
}

func (b *BPFFilter) decode(d *decoder) (err error) {
	for d.next() {
		switch d.typ {
		case _TCA_BPF_CLASSID:
			b.ClassID = Handle(d.u32())
		case _TCA_BPF_ACT:
			d.nested(func(d *decoder) error { return decodeActions(d, &b.Actions) })
		case _TCA_BPF_POLICE:
			b.Police = new(Police)
			d.nested(b.Police.decode)
		case _TCA_BPF_OPS:
			if b.Bytecode, err = decodeBytecode(d.data); err != nil {
				return err
			}
		case _TCA_BPF_NAME:
			b.Name = d.string()
		case _TCA_BPF_FLAGS:
			b.Direct = d.u32()&_TCA_BPF_FLAG_ACT_DIRECT != 0
		case _TCA_BPF_FLAGS_GEN:
			gen := d.u32()
			b.SkipHW = gen&_TCA_CLS_FLAGS_SKIP_HW != 0
			b.SkipSW = gen&_TCA_CLS_FLAGS_SKIP_SW != 0
			b.InHW = gen&_TCA_CLS_FLAGS_IN_HW != 0
			b.NotInHW = gen&_TCA_CLS_FLAGS_NOT_IN_HW != 0
		case _TCA_BPF_TAG:
			b.Tag = append([]byte(nil), d.data...)
		case _TCA_BPF_ID:
			b.ProgramID = d.u32()
		}
	}
	return nil
}
