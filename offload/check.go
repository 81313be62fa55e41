package offload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf"
)

// Checked lists the drivers whose rules [Check] knows.
func Checked() []string { return []string{"netdevsim", "nfp"} }

// Check says what a device of a driver would refuse of the program that s
// selects and of what it uses, before the kernel is asked and without a
// device. None means that no rule that is known is broken: limits of a card's
// firmware are known to the card only. The rules are those of Linux 6.12.
//
// A driver that is not [Checked] is [errors.ErrUnsupported].
func Check(driver string, o *elf.Object, s elf.Selector) ([]*Finding, error) {
	spec, err := o.Spec(s)
	if err != nil {
		return nil, err
	}
	found, err := CheckSpec(driver, spec)
	if err == nil && driver == "nfp" && o.ByteOrder() == binary.BigEndian {
		p, err := o.Program(s)
		if err != nil {
			return nil, err
		}
		found = append(found, &Finding{
			Program: p.Name, Instruction: -1, Source: nfpMain,
			Rule: "the driver runs programs on little endian machines only, the object is big endian: compile it with -target bpfel",
		})
	}
	return found, err
}

// CheckSpec is [Check] of a spec, which has no byte order.
func CheckSpec(driver string, spec *ebpf.CollectionSpec) ([]*Finding, error) {
	var out []*Finding
	said := make(map[Finding]bool) // once for a line of the source
	add := func(f *Finding) {
		if f == nil {
			return
		}
		key := *f
		if key.Line != "" {
			key.Instruction = 0
		}
		if !said[key] {
			said[key] = true
			out = append(out, f)
		}
	}
	for _, name := range sorted(spec.Maps) {
		add(bindMap(name, spec.Maps[name]))
	}
	for _, name := range sorted(spec.Programs) {
		add(bindProgram(spec.Programs[name]))
	}
	switch driver {
	case "netdevsim":
		checkNetdevsim(spec, add)
	case "nfp":
		checkNFP(spec, add)
	default:
		return nil, fmt.Errorf("the rules of driver %q are not known, only those of %s: %w", driver, strings.Join(Checked(), " and "), errors.ErrUnsupported)
	}
	return out, nil
}

// checkNetdevsim knows the map rules of nsim_bpf_map_alloc; it takes every program.
func checkNetdevsim(spec *ebpf.CollectionSpec, add func(*Finding)) {
	const source, most = "drivers/net/netdevsim/bpf.c", 2
	for _, name := range sorted(spec.Maps) {
		m := spec.Maps[name]
		if bindMap(name, m) != nil || OnHost(m.Type) {
			continue
		}
		if m.MaxEntries > most {
			add(&Finding{Map: name, Rule: fmt.Sprintf("at most %d entries, not %d", most, m.MaxEntries), Source: source})
		}
		if m.Flags != 0 {
			add(&Finding{Map: name, Rule: fmt.Sprintf("no map flags, not %#x", m.Flags), Source: source})
		}
	}
}

// at is a finding about an instruction, with the line of the source that it
// belongs to.
func (f *flow) at(n int, rule, source string) *Finding {
	out := &Finding{Program: f.spec.Name, Instruction: n, Rule: rule, Source: source}
	for i := n; i >= f.owner[n]; i-- {
		ins := f.insns[i]
		if ins == nil {
			continue
		}
		if line, ok := ins.Source().(*btf.Line); ok {
			out.Line = fmt.Sprintf("%s:%d", line.FileName(), line.LineNumber())
			out.Code = line.Line()
			break
		}
	}
	return out
}
