package elf

import (
	"debug/elf"
	"math"
	"slices"

	"github.com/xdpload/xdpload/elf/internal/image"
	"github.com/xdpload/xdpload/internal/btfwire"
)

// Relocation types, LLVM's include/llvm/BinaryFormat/ELFRelocs/BPF.def.
const (
	relocLoad = 1  // R_BPF_64_64
	relocCall = 10 // R_BPF_64_32
)

// placeNames are the sections of the image that hold programs. Their names
// mean nothing to its reader but this: functions of ".text" are not programs of their own.
var placeNames = [2]string{"prog", textSection}

// mapSize is that of libbpf's struct bpf_map_def.
const mapSize = 20

// emitter writes a link as an image.
type emitter struct {
	*link
	img     *image.Image
	places  [2]int // section index
	markers [2]int // section symbol, among the locals
	undefs  map[*Symbol]int
}

// emit writes what the link has found as an object that holds nothing else, and returns
// its CO-RE relocations too. Maps are only there by name: their definitions are the caller's to add.
func (l *link) emit() (object []byte, core placedRelocations, err error) {
	e := &emitter{link: l, img: image.New(l.o.order), undefs: make(map[*Symbol]int)}
	e.addCode()
	e.addMaps()
	if err := e.addData(); err != nil {
		return nil, core, err
	}
	for _, s := range l.ext {
		e.undefs[s] = e.img.Global(image.Symbol{Name: s.Name, Type: elf.STT_NOTYPE, Bind: externBind(s)})
	}
	e.relocate()
	e.addText("license", l.o.License())
	if err := e.addVersion(); err != nil {
		return nil, core, err
	}
	if core, err = e.addBTF(); err != nil {
		return nil, core, err
	}
	if len(e.img.Sections) > int(elf.SHN_LORESERVE)-16 {
		return nil, core, faultIn("", 0, "the program refers to too many sections")
	}
	return e.img.Bytes(), core, nil
}

func externBind(s *Symbol) elf.SymBind {
	if s.Binding == elf.STB_WEAK {
		return elf.STB_WEAK
	}
	return elf.STB_GLOBAL
}

func (e *emitter) addCode() {
	var code [2][]byte
	for _, f := range e.funcs {
		code[f.place] = append(code[f.place], f.code...)
	}
	for i, b := range code {
		if len(b) == 0 {
			continue
		}
		e.places[i] = e.img.Add(image.Section{
			Name: placeNames[i], Type: elf.SHT_PROGBITS, Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Data: b,
		})
		e.markers[i] = e.img.Local(image.Symbol{Section: e.places[i], Type: elf.STT_SECTION})
	}
	for _, f := range e.funcs {
		f.sym = e.img.Global(image.Symbol{
			Name: f.name, Value: f.off, Size: uint64(len(f.code)),
			Section: e.places[f.place], Type: elf.STT_FUNC, Bind: elf.STB_GLOBAL,
		})
	}
}

func (e *emitter) addMaps() {
	if len(e.maps) == 0 {
		return
	}
	sec := e.img.Add(image.Section{
		Name: "maps", Type: elf.SHT_PROGBITS, Flags: elf.SHF_ALLOC | elf.SHF_WRITE, Data: make([]byte, mapSize*len(e.maps)),
	})
	for i, m := range e.maps {
		m.img = e.img.Global(image.Symbol{
			Name: m.sym.name, Value: uint64(mapSize * i), Size: mapSize, Section: sec, Type: elf.STT_OBJECT, Bind: elf.STB_GLOBAL,
		})
	}
}

func (e *emitter) addData() error {
	seen := make(map[string]bool)
	for _, d := range e.data {
		sec := image.Section{Name: imageName(d.name), Type: elf.SHT_NOBITS, Flags: elf.SHF_ALLOC | elf.SHF_WRITE, Size: d.size}
		if d.sec != nil && d.sec.Type == elf.SHT_PROGBITS {
			b, err := sectionData(e.o.image, d.sec)
			if err != nil {
				return err
			}
			if err := e.spend(uint64(len(b))); err != nil {
				return faultIn(d.name, 0, "%v", err)
			}
			sec.Type = elf.SHT_PROGBITS
			sec.Data = append(slices.Clip(b), make([]byte, d.size-uint64(len(b)))...)
		}
		i := e.img.Add(sec)
		d.sym = e.img.Local(image.Symbol{Section: i, Type: elf.STT_SECTION})
		if d.sec != nil {
			e.addVariables(d.sec, i, seen)
		}
		for _, v := range d.vars {
			e.img.Global(image.Symbol{Name: v.Name, Value: v.Offset, Size: v.Size, Section: i, Type: elf.STT_OBJECT, Bind: elf.STB_GLOBAL})
		}
	}
	return nil
}

// addVariables adds the symbols of a section of variables, which is at a place of the image.
// Only the first sound global variable of a name stays global: the image's reader makes
// variables of these.
func (e *emitter) addVariables(sec *Section, at int, seen map[string]bool) {
	for _, s := range e.o.objectSymbols()[sec.Index] {
		sym := image.Symbol{Name: s.Name, Value: s.Value, Size: s.Size, Section: at, Type: s.Type, Bind: s.Binding}
		sound := s.Size > 0 && s.Value <= sec.Size && s.Size <= sec.Size-s.Value
		if s.Binding == elf.STB_LOCAL || s.Hidden || !sound || seen[s.Name] {
			e.img.Local(sym)
			continue
		}
		seen[s.Name] = true
		e.img.Global(sym)
	}
}

// relocate writes the references of all functions, with the new offset of a function whose address is taken.
func (e *emitter) relocate() {
	for _, f := range e.funcs {
		sec := &e.img.Sections[e.places[f.place]]
		for _, r := range f.refs {
			rel := image.Reloc{Off: f.off + r.at, Type: relocLoad}
			switch {
			case r.fn != nil && r.call:
				rel.Symbol, rel.Type = r.fn.sym, relocCall
			case r.fn != nil:
				rel.Symbol, rel.Local = e.markers[r.fn.place], true
				e.setImm(sec.Data[rel.Off:], uint32(r.fn.off))
			case r.m != nil:
				rel.Symbol = r.m.img
			case r.data != nil:
				rel.Symbol, rel.Local = r.data.sym, true
			case r.extern != nil:
				rel.Symbol = e.undefs[r.extern]
			}
			sec.Relocs = append(sec.Relocs, rel)
		}
	}
}

func (e *emitter) addText(name, text string) {
	if text != "" {
		e.img.Add(image.Section{Name: name, Type: elf.SHT_PROGBITS, Data: append([]byte(text), 0)})
	}
}

// addVersion keeps the kernel version that programs of old kernels name.
func (e *emitter) addVersion() error {
	sec := e.o.section("version")
	if sec == nil || sec.Type != elf.SHT_PROGBITS || sec.Size != 4 {
		return nil
	}
	b, err := sectionData(e.o.image, sec)
	if err == nil {
		e.img.Add(image.Section{Name: sec.Name, Type: elf.SHT_PROGBITS, Data: slices.Clone(b)})
	}
	return err
}

// addBTF keeps the types that the link needs, and of .BTF.ext what is about its functions.
func (e *emitter) addBTF() (core placedRelocations, _ error) {
	b, err := e.o.btfData()
	if b == nil || err != nil {
		return core, err
	}
	if uint64(len(b)) > math.MaxUint32/2 {
		return core, faultIn(btfSection, 0, "%d bytes of types", len(b))
	}
	ext, err := e.o.readExt(e.link)
	if err != nil {
		return core, err
	}
	b, names, ext, err := e.types(b, ext)
	if err != nil {
		return core, err
	}
	e.img.Add(image.Section{Name: btfSection, Type: elf.SHT_PROGBITS, Data: b})
	if ext.empty() {
		return core, nil
	}
	e.img.Add(image.Section{Name: btfExtSection, Type: elf.SHT_PROGBITS, Data: ext.encode(e.o.order, names)})
	if core.table = ext[btfwire.ExtCORE]; core.count() > 0 {
		core.strings, err = btfwire.Strings(e.o.order, b)
	}
	return core, err
}

// types returns the section of types with the names of the image's sections
// among its strings. All types stay when the link has all functions of the object,
// or calls functions of the kernel, or when the types are not understood.
func (e *emitter) types(b []byte, ext *extInfo) ([]byte, []uint32, *extInfo, error) {
	calls := slices.ContainsFunc(e.ext, func(s *Symbol) bool { return e.externs[s.Name].Kind == ExternFunction })
	x, err := e.o.btf()
	if err == nil && !calls && len(e.funcs) < len(e.o.funcs) {
		if small, names, pruned, err := e.prune(x, ext, placeNames[:]); err == nil {
			e.hideNames(small)
			return small, names, pruned, nil
		}
	}
	if calls {
		if err != nil {
			return nil, nil, nil, err
		}
		b = x.functionsOnly(ksymsSection)
	}
	b, names, err := withStrings(b, e.o.order, placeNames[:]...)
	if err != nil {
		return nil, nil, nil, err
	}
	e.hideNames(b)
	if !calls {
		hide(b, ksymsSection)
	}
	hide(b, kconfigSection)
	return b, names, ext, nil
}

// hide renames what is said about symbols of the kernel, for programs that use none: the
// image's reader looks at all of it, and does not know all of it.
func hide(types []byte, section string) {
	copy(findString(types, section), "-")
}
