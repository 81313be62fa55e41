package mapcmd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/load"
	"github.com/xdpload/xdpload/pin"
)

type mapCreateRequest struct {
	Path  string
	Spec  ebpf.MapSpec
	Inner subject.MapRef
}

// Create is the command map create, which makes a map that no object defines.
func Create() env.Command {
	return env.Command{
		Name:    "map create|new",
		Summary: "make a map and pin it",
		Description: `Makes a map without entries, and pins it at PATH. Nothing is left when it cannot be pinned. An object takes it for one of its own with "map NAME pinned PATH". Its keys and values have no types: they are bytes, but for maps of devices, CPUs, programs and maps.

The kernel demands sizes of most types: an array has a key of 4 bytes; a map of devices or CPUs values of 8, or of 4 that have no room for a second program; a ring buffer neither key nor value, and as many max_entries as bytes.`,
		Examples: []grammar.Example{
			{Line: "xdpload map create /sys/fs/bpf/ports type devmap key 4 value 8 max_entries 64", Help: "a map of devices"},
			{Line: "xdpload map create m:globals/prefixes type lpm_trie key 8 value 4 max_entries 1000 flags BPF_F_NO_PREALLOC", Help: "a prefix tree of IPv4"},
			{Line: "xdpload map create /sys/fs/bpf/tables type array_of_maps key 4 value 4 max_entries 8 inner pinned /sys/fs/bpf/table", Help: "an array of maps like one that is there"},
		},
		New: env.New(func(r *mapCreateRequest) *grammar.Node {
			size := func(word string, n *uint32, help string) *grammar.Node {
				return grammar.Key(word, "N", grammar.Number(n, 0, math.MaxUint32)).Help(help)
			}
			return grammar.Seq(
				grammar.Value("PATH", grammar.String(&r.Path)).Completes(grammar.File).
					Help("a path, or m:REST below the BPF file system's tc directory"),
				grammar.Any(
					grammar.Key("type", "TYPE", grammar.Convert(&r.Spec.Type, kernelname.ParseMap)).Choices(kernelname.MapTypes()...).Required().
						Help("the type, by the kernel's word: hash, array, devmap, cpumap, …"),
					size("key", &r.Spec.KeySize, "bytes of a key"),
					size("value", &r.Spec.ValueSize, "bytes of a value"),
					size("max_entries", &r.Spec.MaxEntries, "how many entries it has room for").Alias("entries"),
					grammar.Key("flags", "FLAGS", grammar.Convert(&r.Spec.Flags, kernelname.ParseMapFlags)).Choices(kernelname.MapFlags()...).
						Help("the kernel's names, such as BPF_F_NO_PREALLOC, with commas between them, or a number"),
					grammar.Key("name", "NAME", grammar.String(&r.Spec.Name)).
						Help("its name in the kernel, which keeps 15 bytes; otherwise the last part of the path"),
					grammar.Word("inner", r.Inner.Grammar()).Alias("inner_map").
						Help("a map like which those are that a map of maps holds"),
				),
			).Check(r.Check)
		}),
	}
}

// Check refuses a map of maps that is like none.
func (r *mapCreateRequest) Check() error {
	ofMaps := r.Spec.Type == ebpf.ArrayOfMaps || r.Spec.Type == ebpf.HashOfMaps
	switch {
	case strings.Map(nameRune, r.Spec.Name) != r.Spec.Name:
		return fmt.Errorf("%q: a name in the kernel has letters, digits, dots and underscores only", r.Spec.Name)
	case ofMaps && r.Inner.Empty():
		return fmt.Errorf("a map of type %s holds maps that are alike: name one, inner pinned PATH", kernelname.Map(r.Spec.Type))
	case !ofMaps && !r.Inner.Empty():
		return errors.New("inner is for an array_of_maps or a hash_of_maps")
	}
	return nil
}

// nameRune is an underscore for what a name in the kernel cannot have (bpf_obj_name_cpy in
// kernel/bpf/syscall.c).
func nameRune(c rune) rune {
	if letter := c|0x20 >= 'a' && c|0x20 <= 'z'; letter || c >= '0' && c <= '9' || c == '.' {
		return c
	}
	return '_'
}

func (r *mapCreateRequest) Run(ctx context.Context, e *env.Env) (any, error) {
	root, err := pin.Open(subject.Bpffs(e))
	if err != nil {
		return nil, err
	}
	path := root.Path(pin.TC, r.Path)
	if r.Spec.Name == "" {
		r.Spec.Name = strings.Map(nameRune, filepath.Base(path))
	}
	var inner *ebpf.Map
	if !r.Inner.Empty() {
		if inner, err = r.Inner.Open(e); err != nil {
			return nil, err
		}
		defer inner.Close()
	}
	m, err := load.NewMap(&r.Spec, inner)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if err := root.Pin(ctx, path, m); err != nil {
		return nil, err
	}
	report, err := (&mapLister{env: e}).report(m)
	if err != nil {
		return nil, err
	}
	report.Pinned = []string{path}
	return &mapCreateReport{report}, nil
}

// mapCreateReport is the new map.
type mapCreateReport struct{ *mapInfo }

func (*mapCreateReport) Changes() {}
