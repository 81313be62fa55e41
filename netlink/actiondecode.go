package netlink

import (
	"bytes"
	"encoding/binary"
)

// decodeActions reads a list of actions, in order.
func decodeActions(d *decoder, into *[]*Action) error {
	for d.next() {
		a := new(Action)
		*into = append(*into, a)
		d.nested(a.decode)
	}
	return nil
}

func (a *Action) decode(d *decoder) error {
	var options []byte
	for d.next() {
		switch d.typ {
		case _TCA_ACT_KIND:
			a.Kind = d.string()
		case _TCA_ACT_OPTIONS:
			options = d.data // of no meaning before the kind is known
		case _TCA_ACT_INDEX:
			a.Index = d.u32()
		case _TCA_ACT_COOKIE:
			a.Cookie = bytes.Clone(d.data)
		case _TCA_ACT_IN_HW_COUNT:
			count := d.u32()
			a.InHWCount = &count
		case _TCA_ACT_FLAGS:
			value := d.bitfield()
			a.NoPerCPU = value&_TCA_ACT_FLAGS_NO_PERCPU_STATS != 0
			a.SkipHW = value&_TCA_ACT_FLAGS_SKIP_HW != 0
			a.SkipSW = value&_TCA_ACT_FLAGS_SKIP_SW != 0
		case _TCA_ACT_HW_STATS:
			a.HWStats = d.hwStats()
		case _TCA_ACT_USED_HW_STATS:
			used := d.hwStats()
			a.UsedHWStats = &used
		case _TCA_ACT_STATS:
			a.Stats = new(Stats)
			d.nested(a.Stats.decode)
		}
	}
	o := newDecoder(options)
	if err := a.decodeOptions(o); err != nil {
		return err
	}
	return o.err
}

// bitfield is the value of struct nla_bitfield32.
func (d *decoder) bitfield() uint32 { return binary.NativeEndian.Uint32(d.sized(8)) }

// hwStats reads no bits as HWStatsDisabled, which is what they mean where the
// attribute is there.
func (d *decoder) hwStats() HWStats {
	if h := HWStats(d.bitfield()); h != 0 {
		return h
	}
	return HWStatsDisabled
}

func (a *Action) decodeOptions(d *decoder) error {
	switch a.Kind {
	case "gact":
		a.decodeGact(d)
	case "mirred":
		a.decodeMirred(d)
	case "bpf":
		return a.decodeBPF(d)
	case "police":
		a.Police = new(Police)
		err := a.Police.decode(d)
		a.Index, a.Verdict, a.Times = a.Police.Index, a.Police.Exceed, a.Police.Times
		a.Refs, a.Binds = a.Police.Refs, a.Police.Binds
		return err
	}
	return nil
}

// decodeParms reads tc_gen and returns what follows it.
func (a *Action) decodeParms(b []byte) []byte {
	const size = 20
	if len(b) < size {
		return nil
	}
	a.Index = binary.NativeEndian.Uint32(b)
	a.Verdict = Verdict(binary.NativeEndian.Uint32(b[8:]))
	a.Refs = int32(binary.NativeEndian.Uint32(b[12:]))
	a.Binds = int32(binary.NativeEndian.Uint32(b[16:]))
	return b[size:]
}

func (a *Action) decodeGact(d *decoder) {
	for d.next() {
		switch d.typ {
		case _TCA_GACT_PARMS:
			a.decodeParms(d.data)
		case _TCA_GACT_TM:
			a.Times = decodeTimes(d.data)
		case _TCA_GACT_PROB:
			b := d.sized(8)
			a.Random = &Random{
				Deterministic: binary.NativeEndian.Uint16(b) == _PGACT_DETERM,
				N:             binary.NativeEndian.Uint16(b[2:]),
				Verdict:       Verdict(binary.NativeEndian.Uint32(b[4:])),
			}
		}
	}
}

func (a *Action) decodeMirred(d *decoder) {
	var block uint32
	for d.next() {
		switch d.typ {
		case _TCA_MIRRED_PARMS:
			rest := a.decodeParms(d.data)
			if len(rest) < 8 {
				continue
			}
			if code := binary.NativeEndian.Uint32(rest); code != 0 { // else a request that has an index
				a.Mirred = new(Mirred)
				if code < uint32(len(mirredCodes)) {
					*a.Mirred = mirredCodes[code]
				}
				a.Mirred.Ifindex = int(binary.NativeEndian.Uint32(rest[4:]))
			}
		case _TCA_MIRRED_BLOCKID:
			block = d.u32()
		case _TCA_MIRRED_TM:
			a.Times = decodeTimes(d.data)
		}
	}
	if a.Mirred != nil {
		a.Mirred.Block = block
	}
}

func (a *Action) decodeBPF(d *decoder) (err error) {
	a.BPF = new(BPFAction)
	for d.next() {
		switch d.typ {
		case _TCA_ACT_BPF_PARMS:
			a.decodeParms(d.data)
		case _TCA_ACT_BPF_TM:
			a.Times = decodeTimes(d.data)
		case _TCA_ACT_BPF_OPS:
			if a.BPF.Bytecode, err = decodeBytecode(d.data); err != nil {
				return err
			}
		case _TCA_ACT_BPF_NAME:
			a.BPF.Name = d.string()
		case _TCA_ACT_BPF_TAG:
			a.BPF.Tag = bytes.Clone(d.data)
		case _TCA_ACT_BPF_ID:
			a.BPF.ProgramID = d.u32()
		}
	}
	return nil
}
