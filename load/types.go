package load

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/sys"
)

// typeInfo is the type information of a load: one BTF object in the kernel,
// which all its maps and programs share.
type typeInfo struct {
	fd       int   // 0 when there are no types
	err      error // why the kernel does not have them
	refused  error // what it has against them, if it can do without
	maps     map[string]mapTypes
	programs map[string]*plainProgram
	wants    map[string]error // of the other programs: what they want of this kernel
}

// mapTypes are the BTF ids of a map's key and value, 0 for none.
type mapTypes struct{ key, value btf.TypeID }

// plainProgram is a program that needs nothing more of this kernel: its CO-RE
// relocations are applied.
type plainProgram struct {
	insns asm.Instructions
	// Where functions and source lines begin: arrays of struct bpf_func_info
	// and struct bpf_line_info.
	funcs, lines []byte
}

// loadTypes gives the kernel the types that a spec's maps and programs name, as
// the compiler made them. What it refuses, cilium/ebpf may know how to rewrite,
// so an error is only kept.
func loadTypes(spec *ebpf.CollectionSpec, core elf.Relocations) typeInfo {
	t := typeInfo{
		maps:     make(map[string]mapTypes, len(spec.Maps)),
		programs: make(map[string]*plainProgram, len(spec.Programs)),
		wants:    make(map[string]error),
	}
	var types btf.Builder
	if t.err = t.collect(spec, core, &types); t.err != nil || types.Empty() {
		return t
	}
	raw, err := types.Marshal(nil, &btf.MarshalOptions{Order: nativeOrder()})
	if err == nil {
		t.fd, err = sys.LoadBTF(raw)
	}
	if t.err = err; errors.Is(err, unix.EINVAL) {
		t.without(&types)
	}
	return t
}

// without leaves types out that the kernel refuses, unless cilium/ebpf can write them
// for it: most programs and maps work without.
func (t *typeInfo) without(types *btf.Builder) {
	handle, err := btf.NewHandle(types)
	if err == nil {
		_ = handle.Close()
		return
	}
	rejected, ok := errors.AsType[*ebpf.VerifierError](err)
	if !ok || errors.Is(err, ebpf.ErrNotSupported) {
		return
	}
	cause, _ := verdict(rejected.Log)
	t.err, t.refused = nil, fmt.Errorf("the kernel refuses the object's types: %s", cause)
	clear(t.maps)
	for _, p := range t.programs {
		p.funcs, p.lines = nil, nil
	}
}

func (t *typeInfo) collect(spec *ebpf.CollectionSpec, core elf.Relocations, types *btf.Builder) (err error) {
	for _, name := range sorted(spec.Maps) {
		m := spec.Maps[name]
		if m.Key == nil || m.Value == nil {
			continue
		}
		var ids mapTypes
		if ids.key, err = types.Add(m.Key); err != nil {
			return err
		}
		if ids.value, err = types.Add(m.Value); err != nil {
			return err
		}
		t.maps[m.Name] = ids
		for _, held := range heldBy(spec.Types, m.Value) {
			if _, err = types.Add(held); err != nil {
				return err
			}
		}
	}
	relocator, relocatorErr := newRelocator(spec, core, types)
	for _, name := range sorted(spec.Programs) {
		p := spec.Programs[name]
		plain := &plainProgram{insns: slices.Clone(p.Instructions)}
		why := wants(p)
		if errors.Is(why, errKfunc) {
			why = findFunctions(plain.insns)
		}
		if why == nil && relocated(p) {
			why = relocatorErr
		}
		if why == nil {
			why = relocator.apply(plain.insns)
		}
		if why != nil {
			t.wants[p.Name] = why
			continue
		}
		if plain.funcs, plain.lines, err = btf.MarshalExtInfos(plain.insns, types); err != nil {
			return err
		}
		t.programs[p.Name] = plain
	}
	return nil
}

// heldBy returns the structures that lists and trees in a type hold, which only tags
// name: elf.Contains.
func heldBy(types *btf.Spec, of btf.Type) (list []btf.Type) {
	seen := make(map[btf.Type]bool)
	var visit func(btf.Type, []string)
	visit = func(t btf.Type, tags []string) {
		for _, tag := range tags {
			name, ok := strings.CutPrefix(tag, elf.Contains)
			name, _, _ = strings.Cut(name, ":")
			var held *btf.Struct
			if ok && types.TypeByName(name, &held) == nil && !slices.Contains(list, btf.Type(held)) {
				list = append(list, held)
				visit(held, nil)
			}
		}
		t = btf.UnderlyingType(t)
		if seen[t] {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *btf.Struct:
			for _, m := range t.Members {
				visit(m.Type, m.Tags)
			}
		case *btf.Array:
			visit(t.Type, nil)
		case *btf.Datasec:
			for _, info := range t.Vars {
				if v, ok := info.Type.(*btf.Var); ok {
					visit(v.Type, v.Tags)
				}
			}
		}
	}
	visit(of, nil)
	return list
}

// close gives the descriptor back: maps and programs hold the types.
func (t *typeInfo) close() {
	if t.fd > 0 {
		_ = sys.Close(t.fd)
	}
}

var (
	errTarget = errors.New("it attaches to another program or a function")
	errKfunc  = errors.New("it calls a function of the kernel")
)

// wants says what a program needs of this kernel that the instructions do not
// have, CO-RE relocations apart; nil for nothing.
func wants(spec *ebpf.ProgramSpec) error {
	if spec.AttachTo != "" || spec.AttachTarget != nil {
		return errTarget
	}
	for i := range spec.Instructions {
		if ofKernel(&spec.Instructions[i]) {
			return errKfunc
		}
	}
	return nil
}
