package readback

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"sync"
)

// Symbols is the kernel's symbol table, which is read when it is first asked:
// it has a hundred thousand lines and more. It is safe for concurrent use.
type Symbols struct {
	path string
	load func() []byte
	base func() uint64
}

// callBase is what helpers' addresses are told relative to: the kernel keeps 32 bits
// of them in an instruction (include/linux/filter.h, BPF_CALL_IMM).
const callBase = "__bpf_call_base"

// Kallsyms is the table at a path, such as /proc/kallsyms. One that cannot be
// read, or that shows no addresses, has no symbols.
func Kallsyms(path string) *Symbols {
	s := &Symbols{path: path}
	s.load = sync.OnceValue(func() []byte {
		text, err := os.ReadFile(s.path)
		if err != nil {
			return nil
		}
		return text
	})
	s.base = sync.OnceValue(s.findBase)
	return s
}

// findBase is 0 when the address is not told.
func (s *Symbols) findBase() uint64 {
	text := s.load()
	at := bytes.Index(text, []byte(" "+callBase+"\n"))
	if at < 0 {
		return 0
	}
	address, _ := parseSymbol(text[bytes.LastIndexByte(text[:at], '\n')+1 : at+1+len(callBase)])
	return address
}

// Names returns the names at addresses. Of several at one address it is the
// first in the table.
func (s *Symbols) Names(addresses []uint64) map[uint64]string {
	names := make(map[uint64]string, len(addresses))
	if len(addresses) == 0 {
		return names
	}
	slices.Sort(addresses)
	for line := range bytes.Lines(s.load()) {
		address, name := parseSymbol(line)
		if _, wanted := slices.BinarySearch(addresses, address); wanted && address != 0 && names[address] == "" {
			names[address] = string(name)
		}
	}
	return names
}

// parseSymbol reads "ffffffff814cc810 T name" with "[module]" after it or not.
func parseSymbol(line []byte) (uint64, []byte) {
	f := bytes.Fields(line)
	if len(f) < 3 {
		return 0, nil
	}
	address, err := strconv.ParseUint(string(f[0]), 16, 64)
	if err != nil {
		return 0, nil
	}
	return address, f[2]
}
