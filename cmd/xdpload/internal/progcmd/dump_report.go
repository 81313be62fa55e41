package progcmd

import (
	"encoding/json"

	"github.com/xdpload/xdpload/elf/listing"
	"github.com/xdpload/xdpload/internal/readback"
)

// codeReport is the code of a program. What bpftool's "prog show" and "prog
// dump" have a key for has the same key here.
type codeReport struct {
	ID           uint32         `json:"id"`
	Name         string         `json:"name"`
	Type         string         `json:"type"`
	Tag          string         `json:"tag"`
	XlatedSize   int            `json:"bytes_xlated"`
	JITedSize    int            `json:"bytes_jited"`
	Architecture string         `json:"arch,omitempty"`             // of machine code
	Hidden       bool           `json:"addresses_hidden,omitempty"` // of what instructions call
	Functions    []codeFunction `json:"functions"`
}

// codeFunction is a function, either as instructions or as machine code.
type codeFunction struct {
	readback.Function
	items   []listing.Item
	machine []readback.MachineInstruction
	options codeOptions
}

// codeOptions choose what is told of each instruction.
type codeOptions struct{ Source, Raw bool }

// addXlated adds rewritten instructions, cut into functions.
func (r *codeReport) addXlated(p *readback.Program, items []listing.Item, o codeOptions) {
	r.Hidden = p.Hidden()
	for len(items) > 0 {
		next := 1
		for next < len(items) && items[next].Function == "" {
			next++
		}
		f := codeFunction{Function: readback.Function{Name: items[0].Function}, items: items[:next], options: o}
		last := &items[next-1]
		f.Size = int(last.Offset-items[0].Offset) + len(last.Bytes)
		r.Functions = append(r.Functions, f)
		items = items[next:]
	}
}

func (r *codeReport) addJITed(functions []readback.Machine, o codeOptions) {
	r.Architecture = readback.Architecture
	for _, m := range functions {
		r.Functions = append(r.Functions, codeFunction{Function: m.Function, machine: m.Instructions, options: o})
	}
}

// MarshalJSON writes the function with its instructions.
func (f codeFunction) MarshalJSON() ([]byte, error) {
	out := struct {
		Name    string            `json:"name"`
		Address string            `json:"address,omitempty"`
		Size    int               `json:"bytes"`
		Insns   []codeInstruction `json:"insns"`
	}{Name: f.Name, Size: f.Size, Insns: make([]codeInstruction, 0, len(f.items)+len(f.machine))}
	for n := range f.items {
		out.Insns = append(out.Insns, xlatedInstruction(&f.items[n], f.options))
	}
	if f.machine != nil {
		out.Address = hexNumber(f.Address)
	}
	for n := range f.machine {
		out.Insns = append(out.Insns, jitedInstruction(&f.machine[n], f.options))
	}
	return json.Marshal(out)
}
