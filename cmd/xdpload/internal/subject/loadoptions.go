package subject

import (
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/load"
)

// LoadRequest is what the command line says about a load beyond the object.
type LoadRequest struct {
	Variables  []load.Variable
	Maps       []MapOption
	TailCalls  []elf.TailCall
	PinMaps    string
	PinProgram string
	PinAll     string // the directory in which several programs are pinned
	OnMismatch load.OnMismatch
	Private    bool // nothing is pinned, nor what is pinned reused
}

// A MapOption is a map that a load is to use, or how it is to be.
type MapOption struct {
	load.MapOption
	Loaded string // the name of the map to use
}

// Options are those of the load that the words ask for.
func (r *LoadRequest) Options(e *env.Env) load.Options {
	var maps []load.MapOption
	for _, m := range r.Maps {
		if m.Loaded != "" {
			ref := MapRef{Name: m.Loaded}
			m.Open = func() (*ebpf.Map, error) { return ref.Open(e) }
		}
		maps = append(maps, m.MapOption)
	}
	return load.Options{
		Variables: r.Variables,
		Maps:      maps,
		TailCalls: r.TailCalls,
		Jobs:      e.VerifierJobs(),
		Pins: load.PinOptions{
			Root:       Bpffs(e),
			Maps:       r.PinMaps,
			Program:    r.PinProgram,
			Programs:   r.PinAll,
			OnMismatch: r.OnMismatch,
			Off:        r.Private,
		},
	}
}

// Grammar is the words about maps, variables and pins that may follow an object file.
func (r *LoadRequest) Grammar() []*grammar.Node {
	return append(r.Contents(), r.Pins(grammar.Key("pin", "PATH", grammar.String(&r.PinProgram)).Exact().
		Help("pin the program too"))...)
}

// Pins is the words about pins. pin is the one about programs.
func (r *LoadRequest) Pins(pin *grammar.Node) []*grammar.Node {
	return []*grammar.Node{
		grammar.Key("pin-maps", "DIR", grammar.String(&r.PinMaps)).Completes(grammar.Directory).
			Help("pin the maps that the object does not pin in this directory of the BPF file system, and reuse them from there"),
		pin,
		grammar.Word("on-mismatch", grammar.Alt(
			grammar.Const("fail", &r.OnMismatch, load.MismatchFail).Help("refuse the load (the default)"),
			grammar.Const("recreate", &r.OnMismatch, load.MismatchRecreate).Help("pin a new map in its place"),
			grammar.Const("migrate", &r.OnMismatch, load.MismatchMigrate).Help("pin a new map in its place, with the entries of the old one, by the names of their members; what has no counterpart is told"),
		)).Help("what to do about a pinned map that differs from the object's"),
	}
}

// Contents is what the words say about what programs find: values of variables,
// maps and tail programs.
func (r *LoadRequest) Contents() []*grammar.Node {
	return []*grammar.Node{
		grammar.Key("set", "VAR=VALUE", r.AddVariable).Repeat().
			Help("the value of a global variable before the program runs, read as the type that the object gives: config.limit=0x10, name=eth0, hosts[1]=192.0.2.1, ports=80,443"),
		r.mapGrammar().Repeat().Help("use another map than the object asks for, or one of another size"),
		grammar.Key("tail", "MAP:KEY=PROGRAM", r.addTailCall).Repeat().
			Help("the program that runs on a tail call to an element of a program array"),
	}
}

func (r *LoadRequest) mapGrammar() *grammar.Node {
	var m MapOption
	add := func(set func(string) error) func(string) error {
		return func(word string) error {
			if err := set(word); err != nil {
				return err
			}
			r.Maps = append(r.Maps, m)
			m = MapOption{MapOption: load.MapOption{Name: m.Name}}
			return nil
		}
	}
	name := func(word string) error {
		m = MapOption{MapOption: load.MapOption{Name: word}}
		return nil
	}
	return grammar.Word("map", grammar.Value("NAME", name).Completes(grammar.Map), grammar.Alt(
		grammar.Key("pinned", "PATH", add(grammar.String(&m.Pinned))).Completes(grammar.Pinned).
			Help("the map that is pinned at this path"),
		grammar.Key("id", "N", add(grammar.Number(&m.ID, 1, math.MaxUint32))).
			Help("the map with this id"),
		grammar.Key("name", "NAME", add(grammar.String(&m.Loaded))).Completes(grammar.LoadedMap).
			Help("the only loaded map with this name"),
		grammar.Key("max_entries", "N", add(grammar.Number(&m.MaxEntries, 1, math.MaxUint32))).
			Help("a map with room for N entries"),
	))
}

// AddVariable reads VAR=VALUE.
func (r *LoadRequest) AddVariable(word string) error {
	name, value, ok := strings.Cut(word, "=")
	if !ok || name == "" {
		return errors.New("expected VAR=VALUE, such as limit=10")
	}
	if slices.ContainsFunc(r.Variables, func(v load.Variable) bool { return v.Name == name }) {
		return errors.New("a second value for that variable")
	}
	r.Variables = append(r.Variables, load.Variable{Name: name, Value: value})
	return nil
}

func (r *LoadRequest) addTailCall(word string) error {
	left, program, ok := strings.Cut(word, "=")
	colon := strings.LastIndexByte(left, ':')
	if !ok || colon < 1 || program == "" {
		return errors.New("expected MAP:KEY=PROGRAM, such as jmp:0=parse")
	}
	t := elf.TailCall{Map: left[:colon], Program: program}
	key, err := grammar.ParseNumber[uint32](left[colon+1:], 0, math.MaxUint32)
	if err != nil {
		return errors.New("the key is " + err.Error())
	}
	t.Key = key
	same := func(o elf.TailCall) bool { return o.Map == t.Map && o.Key == t.Key }
	if slices.ContainsFunc(r.TailCalls, same) {
		return errors.New("a second program for that element")
	}
	r.TailCalls = append(r.TailCalls, t)
	return nil
}
