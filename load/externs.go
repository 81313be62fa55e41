package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/xdpload/xdpload/elf"
)

// fillExterns gives programs what they ask of the running kernel by name: values of its
// configuration, and addresses. What is weak and not there is 0.
func (l *loader) fillExterns() error {
	if l.spec.Maps[settingsMap] != nil {
		if err := l.fillSettings(); err != nil {
			return err
		}
	}
	found := make(map[string]kernelSymbol)
	for _, name := range sorted(l.externs) {
		x := l.externs[name]
		if x.Kind != elf.ExternVariable {
			continue
		}
		s, err := findSymbol(name, x)
		if err != nil && !x.Weak {
			return &Error{Program: l.entry(), Err: fmt.Errorf("symbol %s of the kernel: %w", name, err)}
		}
		found[name] = s
	}
	if len(found) > 0 {
		for _, p := range l.spec.Programs {
			setAddresses(p.Instructions, found)
		}
	}
	return nil
}

// kernelSymbol is what a 64-bit load of a kernel's variable loads: its address, or, from
// a pseudo register, the number of its type.
type kernelSymbol struct {
	from  asm.Register
	value uint64
}

// pseudoBTFID is BPF_PSEUDO_BTF_ID of include/uapi/linux/bpf.h.
const pseudoBTFID asm.Register = 3

func setAddresses(insns asm.Instructions, found map[string]kernelSymbol) {
	for i := range insns {
		ins := &insns[i]
		if s, ok := found[ins.Reference()]; ok && ins.OpCode.IsDWordLoad() && ins.Src == 0 {
			ins.Src, ins.Constant = s.from, int64(s.value)
			*ins = ins.WithReference("")
		}
	}
}

// findSymbol is the zero value with an error for what the kernel does not have.
func findSymbol(name string, x elf.Extern) (kernelSymbol, error) {
	if x.Typed() {
		kernel, err := btf.LoadKernelSpec()
		if err != nil {
			return kernelSymbol{}, err
		}
		var v *btf.Var
		if err := kernel.TypeByName(name, &v); err != nil {
			return kernelSymbol{}, untyped(name)
		}
		id, err := kernel.TypeID(v)
		return kernelSymbol{pseudoBTFID, uint64(id)}, err
	}
	table, err := os.Open(symbolTable)
	if err != nil {
		return kernelSymbol{}, err
	}
	defer table.Close()
	address, _, err := addressIn(table, name)
	if err == nil && address == 0 {
		err = errors.New("the kernel does not show its address: see the sysctl kernel.kptr_restrict")
	}
	return kernelSymbol{value: address}, err
}

// symbolTable has the names of the kernel and of its modules.
const symbolTable = "/proc/kallsyms"

// untyped says why a variable that is declared with a type has none.
func untyped(name string) error {
	const instead = "for its address only, declare it extern const void"
	table, err := os.Open(symbolTable)
	if err != nil {
		return errors.New("the kernel's types have no variable of that name: " + instead)
	}
	defer table.Close()
	switch _, module, err := addressIn(table, name); {
	case err != nil:
		return err
	case module != "":
		return fmt.Errorf("it is one of the module %s, and only those of the kernel itself have a type here: %s", module, instead)
	}
	return errors.New("the kernel does not tell its type: " + instead)
}

// addressIn finds a name in a table of symbols: its address, 0 if that is kept secret, and the
// module that it is of, "" for the kernel itself.
func addressIn(table io.Reader, name string) (address uint64, module string, err error) {
	lines := bufio.NewScanner(table)
	for lines.Scan() { // address, type, name, and the module in brackets
		text := strings.Fields(lines.Text())
		if len(text) < 3 || text[2] != name {
			continue
		}
		if len(text) > 3 {
			module = strings.Trim(text[3], "[]")
		}
		address, err := strconv.ParseUint(text[0], 16, 64)
		return address, module, err
	}
	if err := lines.Err(); err != nil {
		return 0, "", err
	}
	return 0, "", errors.New("neither this kernel nor a module that is loaded shows one of that name")
}

// findFunctions gives calls of the kernel's functions the numbers of their types, so that
// program and maps can share types of the object's. Those of modules, and what the kernel
// does not have, are left to cilium/ebpf.
func findFunctions(insns asm.Instructions) error {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return errKfunc
	}
	for i := range insns {
		if !ofKernel(&insns[i]) {
			continue
		}
		var f *btf.Func
		if err := kernel.TypeByName(insns[i].Reference(), &f); err != nil {
			return errKfunc
		}
		id, err := kernel.TypeID(f)
		if err != nil {
			return errKfunc
		}
		insns[i].Constant = int64(id)
	}
	return nil
}

// ofKernel reports whether an instruction calls a function of the kernel, or takes its address.
func ofKernel(ins *asm.Instruction) bool {
	address := ins.OpCode.IsDWordLoad() && ins.Reference() != "" && !ins.IsLoadFromMap() && !ins.IsFunctionReference()
	return ins.IsKfuncCall() || address
}

// missingFunction is the first function that a program cannot do without and the kernel
// does not have, "" for none.
func (l *loader) missingFunction() string {
	types := btf.NewCache()
	kernel, err := types.Kernel()
	if err != nil {
		return ""
	}
	have := func(spec *btf.Spec, name string) bool {
		var f *btf.Func
		return spec.TypeByName(name, &f) == nil
	}
	modules, err := types.Modules()
	if err != nil {
		return ""
	}
	for _, name := range sorted(l.externs) {
		x := l.externs[name]
		if x.Kind != elf.ExternFunction || x.Weak || have(kernel, name) {
			continue
		}
		known := false
		for _, m := range modules {
			spec, err := types.Module(m)
			known = known || err != nil || have(spec, name) // one that cannot be read may have it
		}
		if !known {
			return name
		}
	}
	return ""
}
