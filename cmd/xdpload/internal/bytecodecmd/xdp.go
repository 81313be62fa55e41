package bytecodecmd

import (
	"context"
	"fmt"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/classic/convert"
	"github.com/xdpload/xdpload/internal/grammar"
)

type bytecodeProgramRequest struct {
	Filter  filterFile
	Options convert.Options
	Listing bool
	Output  subject.OutputFile
}

const convertDescription = `Writes an object file with one program, which does to each packet what the filter says: it accepts a packet when it returns anything but 0. Reading beyond the end of the packet and dividing by an X that is 0 return 0, as in the kernel.

`

// XDP is the command bytecode xdp, which makes an XDP program of a classic filter.
func XDP() env.Command {
	return bytecodeProgramCommand(
		convert.Options{Hook: convert.XDP, Match: convert.XDPDrop, Rest: convert.XDPPass},
		convert.Options{Hook: convert.XDP, Match: convert.XDPPass, Rest: convert.XDPDrop}, env.Command{
			Name:        "bytecode xdp",
			Options:     "replace",
			Summary:     "make an XDP program of a classic filter",
			Description: convertDescription + `An XDP program sees the packet before the kernel does: the extensions len, proto, ifidx, cpu and rand are there, vlan_avail is 0 because a tag is still in the packet, and what belongs to the kernel's own packet (mark, rxhash, type and the others) is refused by name. The program is in section "xdp", and its name is classic_filter.`,
			Examples: []grammar.Example{
				{Line: "tcpdump -ddd 'tcp port 80' | xdpload bytecode xdp -drop -o - | xdpload link set dev eth0 xdp obj -", Help: "drop what an expression of tcpdump's describes"},
				{Line: "xdpload bytecode xdp -pass -o only.o only.asm", Help: "let nothing else in"},
			},
		})
}

// TC is the command bytecode tc, which makes a tc program of a classic filter.
func TC() env.Command {
	return bytecodeProgramCommand(
		convert.Options{Hook: convert.TC, Match: convert.TCDrop, Rest: convert.TCNext},
		convert.Options{Hook: convert.TC, Match: convert.TCPass, Rest: convert.TCDrop}, env.Command{
			Name:        "bytecode tc",
			Options:     "replace",
			Summary:     "make a tc program of a classic filter",
			Description: convertDescription + `Of the extensions only poff, nla, nlan and hatype are refused. With -drop other packets go on to the next filter. The program is in section "classifier", for clsact and tcx alike, and its name is classic_filter.`,
			Examples: []grammar.Example{
				{Line: "tcpdump -ddd udp | xdpload bytecode tc -drop -o - | xdpload tc filter add dev eth0 ingress bpf da obj -", Help: "drop UDP"},
			},
		})
}

func bytecodeProgramCommand(drop, pass convert.Options, c env.Command) env.Command {
	c.New = env.New(func(r *bytecodeProgramRequest) *grammar.Node {
		return grammar.Any(
			grammar.Alt(
				grammar.Const("-drop", &r.Options, drop).Help("drop the packets that the filter accepts, and let the others pass"),
				grammar.Const("-pass", &r.Options, pass).Help("let the packets pass that the filter accepts, and drop the others"),
			).Required(),
			r.Output.Grammar().Required(),
			grammar.Flag("listing", &r.Listing).Help("write the listing that \"elf asm\" reads, with each instruction of the filter above those that it became"),
			r.Filter.Grammar(),
		)
	})
	return c
}

func (r *bytecodeProgramRequest) Run(_ context.Context, e *env.Env) (any, error) {
	filter, err := r.Filter.read(e)
	if err != nil {
		return nil, err
	}
	var out []byte
	if r.Listing {
		var text string
		text, err = convert.Listing(filter, r.Options)
		out = []byte(text)
	} else {
		out, err = convert.Object(filter, r.Options)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Filter.Name(), err)
	}
	return nil, r.Output.Write(e, out)
}
