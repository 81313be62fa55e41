package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf"
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

// maps reports the maps, and what goes into program arrays.
func (r *objectReport) maps(o *elf.Object, fs *pin.FS) {
	maps, err := o.Maps()
	r.fault(err)
	for _, m := range maps {
		out := elfMap{
			Name: m.Name, Section: m.Section, Style: m.Style.String(), Type: m.Type.String(), KeySize: m.KeySize,
			ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Flags: m.Flags, ID: m.ID,
		}
		if m.Key != nil {
			out.Key = elf.TypeName(m.Key)
		}
		if m.Value != nil {
			out.Value = elf.TypeName(m.Value)
		}
		if m.Inner != nil {
			out.Inner = fmt.Sprintf("%s, key %d, value %d, %d entries", m.Inner.Type, m.Inner.KeySize, m.Inner.ValueSize, m.Inner.MaxEntries)
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
		out := elfVariable{Name: v.Name, Section: v.Section, Size: v.Size, Value: initialValue(o, v), ReadOnly: v.ReadOnly}
		if v.Type != nil {
			out.Type = elf.TypeName(v.Type)
		}
		r.Variables = append(r.Variables, out)
	}
}

// initialValue writes numbers, text and names of enumerations as C does, and all
// else as bytes; "0" is a value that is all zero.
func initialValue(o *elf.Object, v elf.Variable) string {
	if strings.Trim(string(v.Value), "\x00") == "" {
		return "0"
	}
	const shown = 16
	switch t := plainType(v.Type).(type) {
	case *btf.Int:
		if s, ok := integer(o, v.Value, t.Encoding == btf.Signed); ok {
			return s
		}
	case *btf.Enum:
		return enumerator(o, v.Value, t)
	case *btf.Array:
		if elem, ok := plainType(t.Type).(*btf.Int); ok && (elem.Encoding == btf.Char || elem.Name == "char") && elem.Size == 1 {
			return strconv.QuoteToASCII(strings.TrimRight(string(v.Value[:min(len(v.Value), 4*shown)]), "\x00"))
		}
	}
	if len(v.Value) > shown {
		return hex.EncodeToString(v.Value[:shown]) + "…"
	}
	return hex.EncodeToString(v.Value)
}

// plainType takes qualifiers and names off a type.
func plainType(t btf.Type) btf.Type {
	if t == nil {
		return nil
	}
	return btf.UnderlyingType(t)
}

func integer(o *elf.Object, b []byte, signed bool) (string, bool) {
	order := o.ByteOrder()
	var n uint64
	switch len(b) {
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(order.Uint16(b))
	case 4:
		n = uint64(order.Uint32(b))
	case 8:
		n = order.Uint64(b)
	default:
		return "", false
	}
	if signed {
		shift := 64 - 8*len(b)
		return strconv.FormatInt(int64(n<<shift)>>shift, 10), true
	}
	return strconv.FormatUint(n, 10), true
}

func enumerator(o *elf.Object, b []byte, t *btf.Enum) string {
	text, _ := integer(o, b, t.Signed)
	for _, v := range t.Values {
		value := strconv.FormatUint(v.Value, 10)
		if t.Signed {
			value = strconv.FormatInt(int64(v.Value), 10)
		}
		if value == text {
			return v.Name
		}
	}
	return text
}
