package pincmd

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/kernelname"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
)

type pinShowRequest struct{ Dir string }

// Show is the command pin show, which lists pins and what runs the pinned programs.
func Show() env.Command {
	return env.Command{
		Name:        "pin show|list|lst",
		Options:     "details brief",
		Default:     true,
		Summary:     "show what is pinned, who uses it, and what runs it",
		Description: `Shows the pins of the BPF file system, or those below PATH, as a tree: of a map its type, id, name and the programs that use it; of a program its tag and the places in this network namespace that run it. Maps in a row that the same programs use have those behind the last. With -details, the owner, mode and age of each pin too. What cannot be read is shown with the reason.`,
		Examples: []grammar.Example{
			{Line: "xdpload pin show", Help: "every pin"},
			{Line: "xdpload -json pin show m:globals", Help: "the maps that all objects share"},
		},
		New: env.New(func(r *pinShowRequest) *grammar.Node {
			return grammar.Opt(grammar.Value("PATH", grammar.String(&r.Dir)).Completes(grammar.Directory).
				Help("a directory or a pin, or m:REST below the BPF file system's tc directory"))
		}),
	}
}

func (r *pinShowRequest) Run(_ context.Context, e *env.Env) (any, error) {
	root, dir, err := open(e, r.Dir)
	if err != nil {
		return nil, err
	}
	mapUsers := sync.OnceValues(func() (subject.Users, error) { return subject.MapUsers(e) })
	hooks, err := subject.Hooks(e)
	if err != nil {
		return nil, err
	}
	out := &pinList{Root: filepath.Clean(dir)}
	for entry, err := range root.Walk(dir) {
		if err != nil && entry.Path == "" {
			return nil, err
		}
		p := newPinInfo(entry, err)
		if e.Details && err == nil {
			age := seconds(time.Since(entry.Made) / time.Second)
			p.UID, p.Mode, p.Age = &entry.UID, fmt.Sprintf("%04o", entry.Mode), &age
		}
		switch entry.Kind {
		case pin.Map:
			users, err := mapUsers()
			if err != nil {
				return nil, err
			}
			for _, u := range users[entry.ID] {
				p.Programs = append(p.Programs, &userReport{*u, hooks[u.ID]})
			}
		case pin.Program:
			p.Hooks = hooks[entry.ID]
		case pin.Link:
			if !entry.Severed {
				p.Hooks = hooks[entry.ProgID]
			}
		}
		out.Pins = append(out.Pins, p)
	}
	if len(out.Pins) == 1 && out.Pins[0].Path == out.Root {
		out.Root = filepath.Dir(out.Root) // one pin was named
	}
	return out, nil
}

// open opens the BPF file system, and finds what a word names there, the root for none.
func open(e *env.Env, word string) (root *pin.FS, path string, err error) {
	root, err = pin.Open(subject.Bpffs(e))
	if err != nil {
		return nil, "", err
	}
	if path = subject.PinPath(e, word); !filepath.IsAbs(path) {
		path = filepath.Join(root.Root(), path)
	}
	return root, path, nil
}

// pinInfo is one pin.
type pinInfo struct {
	Path     string          `json:"path"`
	Kind     string          `json:"kind,omitempty" text:"%s"` // "map", "program" or "link"
	Type     string          `json:"type,omitempty" text:" %s"`
	ID       uint32          `json:"id,omitempty" text:" id %d"`
	Name     string          `json:"name,omitempty" text:" name %s"`
	Tag      string          `json:"tag,omitempty" text:" tag %s"`
	MapIDs   []uint32        `json:"map_ids,omitempty"`
	ProgID   uint32          `json:"prog_id,omitempty" text:" program id %d"`
	Detached bool            `json:"detached,omitempty" text:" detached: holds nothing any more"` // or its device is gone
	Programs []*userReport   `json:"programs,omitempty"`                                          // that use the map
	Hooks    []subject.Place `json:"hooks,omitempty"`                                             // that run the program
	UID      *uint32         `json:"uid,omitempty" text:" uid %d"`                                // of the pin, as mode and age: with details
	Mode     string          `json:"mode,omitempty" text:" mode %s"`
	Age      *seconds        `json:"age,omitempty" text:" age %v"`
	Error    string          `json:"error,omitempty"`
}

// userReport is a program that uses a map.
type userReport struct {
	subject.ProgramReport
	Hooks []subject.Place `json:"hooks,omitempty"` // that run it
}

func (u *userReport) String() string {
	s, sep := u.ProgramReport.String(), ", runs at "
	for _, place := range u.Hooks {
		s, sep = s+sep+place.String(), ", "
	}
	return s
}

type seconds int64

func (s seconds) String() string { return (time.Duration(s) * time.Second).String() }

func newPinInfo(e pin.Entry, err error) *pinInfo {
	if err != nil {
		return &pinInfo{Path: e.Path, Error: env.OneLine(err)}
	}
	p := &pinInfo{Path: e.Path, Kind: e.Kind.String(), ID: e.ID, Name: e.Name, Tag: e.Tag, MapIDs: e.MapIDs, ProgID: e.ProgID, Detached: e.Severed}
	switch e.Kind {
	case pin.Map:
		p.Type = kernelname.Map(ebpf.MapType(e.Type))
	case pin.Program:
		p.Type = kernelname.Program(ebpf.ProgramType(e.Type))
	case pin.Link:
		p.Type = kernelname.Link(e.Type)
	}
	return p
}

// pinList is what is pinned below a directory, in the order of the names.
type pinList struct {
	Root string     `json:"root"`
	Pins []*pinInfo `json:"pins"`
}

// WriteText prints the tree.
func (l *pinList) WriteText(t *render.Text, o render.Options) {
	var open []string // the directories above the line
	t.WriteString(l.Root + "\n")
	alike := 0 // maps in a row that the same programs use
	for i, p := range l.Pins {
		rel, err := filepath.Rel(l.Root, p.Path)
		if err != nil {
			rel = p.Path
		}
		open = writeDirs(t, open, strings.Split(filepath.Dir(rel), "/"))
		indent := strings.Repeat("  ", len(open)+1)
		t.Printf("%s%s: %s\n", indent, filepath.Base(rel), p)
		if o.Brief {
			continue
		}
		if alike++; i+1 < len(l.Pins) && p.sameUsers(l.Pins[i+1]) {
			continue
		}
		all := ""
		if alike > 1 {
			all = fmt.Sprintf("all %d ", alike)
		}
		alike = 0
		for _, u := range p.Programs {
			t.Printf("%s    %sused by program %v\n", indent, all, u)
		}
		for _, h := range p.Hooks {
			t.Printf("%s    runs at %v\n", indent, h)
		}
	}
}

// sameUsers reports whether both are maps of one directory that the same programs use.
func (p *pinInfo) sameUsers(o *pinInfo) bool {
	same := func(a, b *userReport) bool { return a.ID == b.ID }
	return len(p.Programs) > 0 && filepath.Dir(p.Path) == filepath.Dir(o.Path) && slices.EqualFunc(p.Programs, o.Programs, same)
}

// writeDirs prints the directories that are not open yet.
func writeDirs(t *render.Text, open, dirs []string) []string {
	if len(dirs) == 1 && dirs[0] == "." {
		return nil
	}
	same := 0
	for same < len(open) && same < len(dirs) && open[same] == dirs[same] {
		same++
	}
	for i := same; i < len(dirs); i++ {
		t.Printf("%s%s/\n", strings.Repeat("  ", i+1), dirs[i])
	}
	return dirs
}

func (p *pinInfo) String() string {
	switch {
	case p.Error != "":
		return p.Error
	case p.ID == 0:
		return p.Kind + " " + p.Type + ", the kernel's own"
	}
	return render.Fields(p)
}
