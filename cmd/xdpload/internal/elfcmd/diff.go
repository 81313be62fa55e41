package elfcmd

import (
	"context"
	"errors"
	"strings"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf/diff"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/render"
)

type elfDiffRequest struct {
	Before, After subject.ELFFile
}

// Diff is the command elf diff, which compares two objects.
func Diff() env.Command {
	return env.Command{
		Name:        "elf diff",
		Options:     "brief",
		Summary:     "compare two object files",
		Description: `Compares two versions of an object by what a loader sees of them: programs and functions by name, and by their instructions when the name is new; maps, variables, the licence. Of maps that are pinned it says what loading the second object does to them. What cannot be read of one of the objects is named, and the rest is compared.`,
		Examples: []grammar.Example{
			{Line: "xdpload elf diff old.o new.o", Help: "what a new build changes"},
			{Line: "xdpload -brief elf diff old.o new.o", Help: "the names alone"},
		},
		New: env.New(func(r *elfDiffRequest) *grammar.Node {
			return grammar.Seq(
				grammar.Value("OLD", grammar.String(&r.Before.File)).Completes(grammar.File).Help("an object file, or - for standard input"),
				grammar.Value("NEW", grammar.String(&r.After.File)).Completes(grammar.File).Help("another one"),
			).Check(r.Check)
		}),
	}
}

func (r *elfDiffRequest) Check() error {
	if r.Before.File == "-" && r.After.File == "-" {
		return errors.New("standard input can be one of the objects only")
	}
	return nil
}

func (r *elfDiffRequest) Run(_ context.Context, e *env.Env) (any, error) {
	a, err := r.Before.Open(e)
	if err != nil {
		return nil, err
	}
	b, err := r.After.Open(e)
	if err != nil {
		return nil, err
	}
	return reportDiff(diff.Objects(a, b)), nil
}

// diffReport is how two objects differ.
type diffReport struct {
	Same      bool         `json:"same"`
	Object    []diffChange `json:"object"`
	Programs  []diffEntry  `json:"programs"`
	Maps      []diffEntry  `json:"maps"`
	Variables []diffEntry  `json:"variables"`
	Faults    []string     `json:"faults"` // what could not be compared
}

// diffChange is [diff.Change] with keys.
type diffChange struct {
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}

type diffEntry struct {
	Name         string       `json:"name"`
	Before       string       `json:"before,omitempty"` // the old name
	State        diff.State   `json:"state"`
	Changes      []diffChange `json:"changes,omitempty"`
	Instructions []string     `json:"instructions,omitempty"` // "-", "+" or " " and the text
	Reload       string       `json:"reload,omitempty"`
}

func reportDiff(d *diff.Report) *diffReport {
	r := &diffReport{Same: d.Empty(), Object: diffChanges(d.Object), Programs: []diffEntry{}, Maps: []diffEntry{}, Variables: []diffEntry{}, Faults: []string{}}
	for _, fault := range d.Faults {
		r.Faults = append(r.Faults, env.OneLine(fault))
	}
	for _, p := range d.Programs {
		e := diffEntry{Name: p.Name, Before: p.Before, State: p.State, Changes: diffChanges(p.Changes)}
		for _, l := range p.Lines {
			e.Instructions = append(e.Instructions, strings.TrimRight(string(l.Sign)+" "+l.Text, " "))
		}
		r.Programs = append(r.Programs, e)
	}
	for _, m := range d.Maps {
		r.Maps = append(r.Maps, diffEntry{Name: m.Name, State: m.State, Changes: diffChanges(m.Changes), Reload: m.Reload})
	}
	for _, v := range d.Variables {
		r.Variables = append(r.Variables, diffEntry{Name: v.Name, State: v.State, Changes: diffChanges(v.Changes)})
	}
	return r
}

func diffChanges(list []diff.Change) []diffChange {
	out := []diffChange{}
	for _, c := range list {
		out = append(out, diffChange(c))
	}
	return out
}

// WriteText prints each difference, and nothing when there is none; -brief
// prints one line for each thing.
func (r *diffReport) WriteText(t *render.Text, o render.Options) {
	for _, c := range r.Object {
		t.Printf("%s: %q, was %q\n", c.What, c.After, c.Before)
	}
	for _, part := range []struct {
		kind string
		list []diffEntry
	}{{"program", r.Programs}, {"map", r.Maps}, {"variable", r.Variables}} {
		for _, e := range part.list {
			e.Write(t, part.kind, o.Brief)
		}
	}
	for _, fault := range r.Faults {
		t.Printf("not compared: %s\n", fault)
	}
}

func (e *diffEntry) Write(t *render.Text, kind string, brief bool) {
	t.Printf("%s %s: %s", kind, e.Name, e.State)
	t.If(e.Before != "", ", was %s", e.Before)
	t.WriteByte('\n')
	if brief {
		return
	}
	for _, c := range e.Changes {
		t.Printf("    %s %s, was %s\n", c.What, c.After, c.Before)
	}
	t.If(e.Reload != "", "    reload: %s\n", e.Reload)
	for _, line := range e.Instructions {
		t.Printf("    %s\n", line)
	}
}
