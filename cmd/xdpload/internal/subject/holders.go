package subject

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/render"
	"github.com/xdpload/xdpload/pin"
)

// Process has a BPF object open.
type Process struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm"`
}

func (p Process) String() string { return fmt.Sprintf("process %d (%s)", p.PID, p.Comm) }

// Holders are the processes that have programs and links open.
type Holders map[ObjectID][]Process

// ObjectID tells a map, program or link from all others.
type ObjectID struct {
	Kind pin.Kind
	ID   uint32
}

// Of returns those of one object.
func (h Holders) Of(kind pin.Kind, id uint32) []Process { return h[ObjectID{kind, id}] }

// FindHolders looks at every descriptor of every process. Those of other users
// are left out for a plain user.
func FindHolders() Holders {
	h := make(Holders)
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is good
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err == nil && pid != os.Getpid() {
			h.Look(dir, pid)
		}
	}
	return h
}

// Look adds what a process has open, by its directory in /proc.
func (h Holders) Look(dir string, pid int) {
	fds, err := os.Open(dir + "/fd")
	if err != nil {
		return
	}
	defer fds.Close()
	names, _ := fds.Readdirnames(-1)
	for _, fd := range names {
		target, err := os.Readlink(dir + "/fd/" + fd)
		if err != nil || !strings.HasPrefix(target, "anon_inode:") {
			continue
		}
		kind, field := pin.Link, "link_id:"
		if strings.Contains(target, "bpf-prog") {
			kind, field = pin.Program, "prog_id:"
		} else if !strings.Contains(target, "bpf_link") && !strings.Contains(target, "bpf-link") {
			continue
		}
		id, ok := idOfDescriptor(dir+"/fdinfo/"+fd, field)
		of := ObjectID{kind, id}
		if !ok || slices.ContainsFunc(h[of], func(p Process) bool { return p.PID == pid }) {
			continue
		}
		comm, _ := os.ReadFile(dir + "/comm") // empty if it has just ended
		h[of] = append(h[of], Process{PID: pid, Comm: string(bytes.TrimSpace(comm))})
	}
}

func idOfDescriptor(path, field string) (uint32, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			id, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 32)
			return uint32(id), err == nil
		}
	}
	return 0, false
}

// Pins are the paths of what is pinned.
type Pins map[ObjectID][]string

// Of returns the paths of one object.
func (p Pins) Of(kind pin.Kind, id uint32) []string { return p[ObjectID{kind, id}] }

// FindPins is empty without a BPF file system.
func FindPins(e *env.Env) Pins {
	p := make(Pins)
	root, err := pin.Open(Bpffs(e))
	if err != nil {
		return p
	}
	for entry, err := range root.Walk("") {
		if of := (ObjectID{entry.Kind, entry.ID}); err == nil {
			p[of] = append(p[of], entry.Path)
		}
	}
	return p
}

// holderTeller looks for what holds the bpf_links that are in the way, once.
func holderTeller(e *env.Env) func(error) error {
	pins, open := sync.OnceValue(func() Pins { return FindPins(e) }), sync.OnceValue(FindHolders)
	return func(err error) error {
		x, ok := errors.AsType[*attach.OccupiedError](err)
		if !ok {
			return err
		}
		i := slices.IndexFunc(x.Attachments, func(a *attach.Attachment) bool { return a.Link != nil })
		if i < 0 {
			return err
		}
		a := x.Attachments[i]
		link := ReportLink(a.Link)
		link.Pinned, link.Processes = pins().Of(pin.Link, link.ID), open().Of(pin.Link, link.ID)
		return &HeldError{Device: cmp.Or(a.Device, x.Device), Hook: a.Hook(), Link: link, Err: err}
	}
}

// HeldError says what keeps the bpf_link that is in the way.
type HeldError struct {
	Device, Hook string
	Link         *BPFLink
	Err          error // the refusal
}

func (e *HeldError) Error() string {
	if len(e.Link.Pinned)+len(e.Link.Processes) == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v: %v", e.Err, e.Link)
}

// Unwrap returns the refusal.
func (e *HeldError) Unwrap() error { return e.Err }

// HeldHints are the ways to get a program away from its link.
func HeldHints(x *HeldError, line env.Line) []string {
	pins := x.Link.Pinned
	out := []string{DetachLink(x.Device, x.Hook, x.Link.ID) + " detaches it for good"}
	if len(pins) == 0 {
		return out
	}
	out = append(out, "so does "+render.Shell(append([]string{"xdpload", "pin", "rm"}, pins...)...)+", unless something else holds the link")
	if !strings.Contains(x.Hook, "/") && !line.Has("off") && !line.Has("link") {
		alone := line.About(x.Device, "xdp", "xdpgeneric", "xdpdrv", "xdpoffload")
		out = append(out, "another program takes its place, with no gap: "+alone.With([]string{"-force"}, "link", pins[0]))
	}
	return out
}

// DetachLink is the command that takes off what a bpf_link holds on a hook.
func DetachLink(device, hook string, id uint32) string {
	words := []string{"link", "set", "dev", device, "xdp", "off"}
	if kind, point, ok := strings.Cut(hook, "/"); ok {
		words = []string{kind, "detach", "dev", device, point}
	}
	return render.Shell(slices.Concat([]string{"xdpload"}, words, []string{"link", strconv.FormatUint(uint64(id), 10)})...)
}
