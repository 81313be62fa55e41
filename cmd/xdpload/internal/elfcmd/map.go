package elfcmd

import (
	"fmt"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/pin"
)

type elfMap struct {
	Name       string    `json:"name"`
	Section    string    `json:"section"`
	Style      string    `json:"style"` // legacy, btf or data
	Type       string    `json:"type"`
	KeySize    uint32    `json:"key_size"`
	ValueSize  uint32    `json:"value_size"`
	Key        string    `json:"key_type,omitempty"`
	Value      string    `json:"value_type,omitempty"`
	MaxEntries uint32    `json:"max_entries"`
	Flags      uint32    `json:"flags"`
	ID         uint32    `json:"id,omitempty"` // that "ID/KEY" sections name
	Inner      string    `json:"inner,omitempty"`
	Pinning    string    `json:"pinning,omitempty"`
	Path       string    `json:"path,omitempty"` // where it would be pinned, "" for a number that iproute2 has no directory for
	Contents   []elfSlot `json:"contents,omitempty"`
}

type elfSlot struct {
	Key  uint32 `json:"key"`
	Name string `json:"name"`
}

type elfVariable struct {
	Name     string `json:"name"`
	Section  string `json:"section"`
	Type     string `json:"type,omitempty"` // without BTF none is known
	Size     uint64 `json:"size"`           // bytes
	Value    string `json:"value"`
	ReadOnly bool   `json:"read_only,omitempty"`
}

// AddMaps reports the maps, and what goes into program arrays.
func (r *objectReport) AddMaps(o *elf.Object, fs *pin.FS) {
	maps, err := o.Maps()
	r.fault(err)
	for _, m := range maps {
		out := elfMap{
			Name: m.Name, Section: m.Section, Style: m.Style.String(), Type: kernelname.Map(m.Type), KeySize: m.KeySize,
			ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Flags: m.Flags, ID: m.ID,
		}
		if m.Key != nil {
			out.Key = elf.TypeName(m.Key)
		}
		if m.Value != nil {
			out.Value = elf.TypeName(m.Value)
		}
		if m.Inner != nil {
			out.Inner = fmt.Sprintf("%s, key %d, value %d, %d entries", kernelname.Map(m.Inner.Type), m.Inner.KeySize, m.Inner.ValueSize, m.Inner.MaxEntries)
		}
		for _, s := range m.Contents {
			out.Contents = append(out.Contents, elfSlot(s))
		}
		r.pin(&out, o, m, fs)
		r.Maps = append(r.Maps, out)
	}
	tails, err := o.TailCalls()
	r.fault(err)
	for _, t := range tails {
		r.TailCalls = append(r.TailCalls, elfTailCall{t.Map, t.Key, t.Program})
	}
}

// pinDatabases is where iproute2 has the directories of custom pinnings.
var pinDatabases = [...]string{"/etc/iproute2/bpf_pinning", "/usr/share/iproute2/bpf_pinning"}

// pin says where a map would be pinned.
func (r *objectReport) pin(out *elfMap, o *elf.Object, m elf.Map, fs *pin.FS) {
	if m.Pinning == elf.PinNone {
		return
	}
	out.Pinning = m.Pinning.String()
	number := pin.Pinning(m.Pinning)
	if m.Pinning == elf.PinByName {
		number = pin.GlobalNS
	}
	object := pin.Object{SHA1: o.SHA1()}
	if m.Pinning.Custom() {
		db, err := pin.ReadDatabase(pinDatabases[:]...)
		if err != nil {
			r.fault(err)
			return
		}
		object.Database = db
	}
	if path, err := fs.MapPath(object, m.Name, number); err == nil { // else the database lacks the number
		out.Path = path
	}
}

func (r *objectReport) variables(o *elf.Object) {
	variables, err := o.Variables()
	r.fault(err)
	for _, v := range variables {
		out := elfVariable{Name: v.Name, Section: v.Section, Size: v.Size, Value: o.ValueText(v), ReadOnly: v.ReadOnly}
		if v.Type != nil {
			out.Type = elf.TypeName(v.Type)
		}
		r.Variables = append(r.Variables, out)
	}
}
