// Package elf reads a BPF object file and says what is in it: programs, maps,
// tail calls, global variables, licence. It makes no bpf(2) call, and gives the
// same answer on every machine, whatever the byte order of the object.
//
// [Object.Spec] returns what a loader needs for one program: the program, the
// functions that it calls and the maps that it refers to, and nothing else. What is not
// asked for is not decoded, and cannot fail.
//
// Both styles of map are read: the .maps section that BTF describes, and the
// "maps" section of iproute2 (struct bpf_elf_map) and of early libbpf (struct bpf_map_def).
// What old or odd tools leave is put right on the way: functions and maps whose
// symbols have no size, symbol tables with sh_entsize 0, static maps, sections without
// any function symbol, calls without a relocation, COMMON symbols,
// map structures of several sizes in one section.
package elf

import (
	"bytes"
	"crypto/sha1"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/xdpload/xdpload/internal/btfwire"
)

// Object is a BPF object file that has been read. It is immutable and safe for
// concurrent use. There is nothing to close.
type Object struct {
	path string // as it was given, for messages
	name string
	header
	image    []byte
	sections []Section
	symbols  []Symbol
	funcs    []part // by section and offset

	// What only some callers need, computed once.
	relocIndex    func() map[int][]int         // section index to its relocation sections
	codeSections  func() map[string][]*Section // by name: a file may have several of one
	mapParts      func() []part                // the definitions of maps
	objectSymbols func() map[int][]*Symbol     // by section
	legacyMaps    func() map[uint32][]Map      // by id: those that can be read
	tails         func() []tailSection
	types         func() (typeInfo, error)
	mapDefs       func() ([]Map, error)
	relocs        relocTable
	callees       calleeTable
	ext           [btfwire.ExtTables]func() (extIndex, error)
	btf           func() (*btfIndex, error)
	btfStrings    func() (string, error)
}

// Open reads the object file called name. An error names it: an [*fs.PathError]
// when the file cannot be read, a [*FormatError] when it is no BPF object.
func Open(name string) (*Object, error) {
	b, err := readFile(name)
	if err != nil {
		return nil, err
	}
	return parse(b, name, filepath.Base(name))
}

// Read reads an object from r, from its start to its end. The object has no name.
func Read(r io.ReaderAt) (*Object, error) { return ReadNamed(r, "") }

// ReadNamed is Read, with a name for messages and for [Object.Name]: "stdin",
// or the file that an archive member was stored as.
func ReadNamed(r io.ReaderAt, name string) (*Object, error) {
	return ReadStream(io.NewSectionReader(r, 0, math.MaxInt64), name)
}

// ReadStream is ReadNamed of what has no end until it is read, such as standard
// input. Of a stream that is no ELF object it reads the first bytes only.
func ReadStream(r io.Reader, name string) (*Object, error) {
	b, err := readLimited(r, name)
	switch _, named := errors.AsType[*FormatError](err); {
	case err == nil:
		return parse(b, name, name)
	case !named && name != "":
		err = fmt.Errorf("%s: %w", name, err)
	}
	return nil, err
}

func parse(b []byte, path, name string) (*Object, error) {
	o := &Object{path: path, name: name, image: b}
	if err := o.parse(); err != nil {
		return nil, o.fault(err)
	}
	o.relocIndex = sync.OnceValue(o.findRelocs)
	o.codeSections = sync.OnceValue(o.findCodeSections)
	o.mapParts = sync.OnceValue(o.findMapParts)
	o.objectSymbols = sync.OnceValue(o.findObjectSymbols)
	o.legacyMaps = sync.OnceValue(o.readLegacyMaps)
	o.tails = sync.OnceValue(o.findTails)
	o.types = sync.OnceValues(o.parseTypes)
	o.mapDefs = sync.OnceValues(o.findMaps)
	o.btf = sync.OnceValues(o.indexBTF)
	o.btfStrings = sync.OnceValues(o.copyStrings)
	for table := range o.ext {
		o.ext[table] = sync.OnceValues(func() (extIndex, error) { return o.indexExt(table) })
	}
	return o, nil
}

func (o *Object) parse() (err error) {
	if o.header, err = parseHeader(o.image); err != nil {
		return err
	}
	if o.sections, err = parseSections(o.image, o.header); err != nil {
		return err
	}
	if err := o.parseSymbols(); err != nil {
		return err
	}
	o.findFunctions()
	return nil
}

// fault puts the object's file name into an error of this package.
func (o *Object) fault(err error) error {
	if o.path == "" {
		return err
	}
	if fe, ok := errors.AsType[*FormatError](err); ok && fe.Object == "" {
		fe.Object = o.path
	}
	return err
}

// Name returns the base name of the file that was opened, or the name that was given to ReadNamed.
func (o *Object) Name() string { return o.name }

// Path returns the file as it was given to Open or ReadNamed, for messages.
func (o *Object) Path() string { return o.path }

// Size returns the size of the file in bytes.
func (o *Object) Size() int { return len(o.image) }

// SHA1 returns the SHA-1 of the whole file: iproute2 pins the maps of
// PIN_OBJECT_NS in a directory of that name.
func (o *Object) SHA1() [sha1.Size]byte { return sha1.Sum(o.image) }

// ByteOrder returns the byte order of the object.
func (o *Object) ByteOrder() binary.ByteOrder { return o.order }

// CheckByteOrder returns a [*FormatError] when the kernel of this machine
// cannot run the object because its byte order is the other one. Everything
// else about such an object can be read.
func (o *Object) CheckByteOrder() error {
	if littleEndian(o.order) == littleEndian(binary.NativeEndian) {
		return nil
	}
	object, machine := "big", "little"
	if littleEndian(o.order) {
		object, machine = machine, object
	}
	return &FormatError{Object: o.path, Msg: fmt.Sprintf(
		"the object is %s endian, this machine is %s endian: compile it with -target bpfe%c", object, machine, machine[0])}
}

// Machine returns the machine of the ELF header: EM_BPF, or EM_NONE from old LLVM.
func (o *Object) Machine() elf.Machine { return o.machine }

// Sections returns the sections in file order. The caller may keep the slice.
func (o *Object) Sections() []Section {
	return append([]Section(nil), o.sections...)
}

// Data returns a copy of the bytes of a section of this object. The error is a
// [*FormatError]: a section without bytes in the file (SHT_NOBITS), a compressed
// or a truncated one.
func (o *Object) Data(s Section) ([]byte, error) {
	b, err := sectionData(o.image, &s)
	if err != nil {
		return nil, o.fault(err)
	}
	return append([]byte(nil), b...), nil
}

// HasBTF reports whether the object has a .BTF section, as clang -g makes it.
func (o *Object) HasBTF() bool { return o.section(".BTF") != nil }

// License returns the licence of the programs, such as "Dual BSD/GPL", or ""
// when the object states none.
func (o *Object) License() string {
	for i := range o.sections {
		s := &o.sections[i]
		if s.Type != elf.SHT_PROGBITS || !strings.HasPrefix(s.Name, "license") {
			continue
		}
		b, err := sectionData(o.image, s)
		if err != nil {
			return ""
		}
		text, _, _ := strings.Cut(string(b[:min(len(b), maxName)]), "\x00")
		return text
	}
	return ""
}

// section returns the first section with the name, or nil.
func (o *Object) section(name string) *Section {
	for i := range o.sections {
		if o.sections[i].Name == name {
			return &o.sections[i]
		}
	}
	return nil
}

// maxFile bounds what is read: an object of a whole datapath has 2 MB, and with DWARF 10 times that.
const maxFile = 64 << 20

// tooLarge says that a file is no object that anybody would load.
func tooLarge(name string) error {
	return &FormatError{Object: name, Msg: fmt.Sprintf("more than %d bytes, the largest object that is read", maxFile)}
}

// readFile reads a regular file in one go, and a pipe to its end.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	}
	if !st.Mode().IsRegular() {
		return readLimited(f, name)
	}
	if st.Size() > maxFile {
		return nil, tooLarge(name)
	}
	b := make([]byte, st.Size())
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return b[:n], nil
}

// readLimited reads a stream to its end, or only as far as it takes to see that it is no ELF object.
func readLimited(r io.Reader, name string) ([]byte, error) {
	var b bytes.Buffer
	n, err := io.CopyN(&b, r, int64(len(elf.ELFMAG)))
	if err == nil && b.String() == elf.ELFMAG {
		_, err = io.CopyN(&b, r, maxFile+1-n)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err == nil && b.Len() > maxFile {
		err = tooLarge(name)
	}
	return b.Bytes(), err
}
