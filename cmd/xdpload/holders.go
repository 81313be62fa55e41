package main

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

	"github.com/xdpload/xdpload/attach"
	"github.com/xdpload/xdpload/pin"
)

// process has a BPF object open.
type process struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm"`
}

func (p process) String() string { return fmt.Sprintf("process %d (%s)", p.PID, p.Comm) }

// holders are the processes that have programs and links open, by id.
type holders struct {
	programs, links map[uint32][]process
}

// findHolders looks at every descriptor of every process. Those of other users
// are left out for a plain user.
func findHolders() *holders {
	h := &holders{programs: make(map[uint32][]process), links: make(map[uint32][]process)}
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is good
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err == nil && pid != os.Getpid() {
			h.look(dir, pid)
		}
	}
	return h
}

func (h *holders) look(dir string, pid int) {
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
		into, field := h.links, "link_id:"
		if strings.Contains(target, "bpf-prog") {
			into, field = h.programs, "prog_id:"
		} else if !strings.Contains(target, "bpf_link") && !strings.Contains(target, "bpf-link") {
			continue
		}
		id, ok := idOfDescriptor(dir+"/fdinfo/"+fd, field)
		if !ok || slices.ContainsFunc(into[id], func(p process) bool { return p.PID == pid }) {
			continue
		}
		comm, _ := os.ReadFile(dir + "/comm") // empty if it has just ended
		into[id] = append(into[id], process{PID: pid, Comm: string(bytes.TrimSpace(comm))})
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

// pinPaths are the paths of what is pinned, by id.
type pinPaths struct {
	programs, links map[uint32][]string
}

// findPins is empty without a BPF file system.
func (e *env) findPins() *pinPaths {
	p := &pinPaths{programs: make(map[uint32][]string), links: make(map[uint32][]string)}
	root, err := pin.Open(e.bpffs())
	if err != nil {
		return p
	}
	for entry, err := range root.Walk("") {
		switch {
		case err != nil:
		case entry.Kind == pin.Program:
			p.programs[entry.ID] = append(p.programs[entry.ID], entry.Path)
		case entry.Kind == pin.Link:
			p.links[entry.ID] = append(p.links[entry.ID], entry.Path)
		}
	}
	return p
}

// linkPins finds the paths at which a link is pinned.
func (e *env) linkPins() func(id uint32) []string {
	return func(id uint32) []string { return e.findPins().links[id] }
}

// holderError says what keeps a program where it is.
type holderError struct {
	Device string
	Hook   string
	Link   *bpfLink
	Err    error
}

// tellHolder looks for what holds the bpf_link that is in the way.
func (e *env) tellHolder(err error) error { return e.holderTeller()(err) }

// holderTeller is tellHolder for many errors: it looks once.
func (e *env) holderTeller() func(error) error {
	var pins *pinPaths
	var open *holders
	return func(err error) error {
		x, ok := errors.AsType[*attach.OccupiedError](err)
		if !ok {
			return err
		}
		i := slices.IndexFunc(x.Attachments, func(a *attach.Attachment) bool { return a.Link != nil })
		if i < 0 {
			return err
		}
		if pins == nil {
			pins, open = e.findPins(), findHolders()
		}
		a := x.Attachments[i]
		link := reportLink(a.Link)
		link.Pinned, link.Processes = pins.links[link.ID], open.links[link.ID]
		return &holderError{Device: cmp.Or(a.Device, x.Device), Hook: a.Hook(), Link: link, Err: err}
	}
}

func (e *holderError) Error() string {
	if len(e.Link.Pinned)+len(e.Link.Processes) == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v: %v", e.Err, e.Link)
}

func (e *holderError) Unwrap() error { return e.Err }

// holderHints are the ways to get a program away from its link.
func holderHints(err error) []string {
	x, ok := errors.AsType[*holderError](err)
	if !ok {
		return nil
	}
	out := []string{detachLink(x.Device, x.Hook, x.Link.ID) + " detaches it for good"}
	if len(x.Link.Pinned) > 0 {
		out = append(out, "so does xdpload pin rm "+strings.Join(x.Link.Pinned, " ")+", unless something else holds the link")
	}
	return out
}

// detachLink is the command that takes off what a bpf_link holds on a hook.
func detachLink(device, hook string, id uint32) string {
	if kind, point, ok := strings.Cut(hook, "/"); ok {
		return fmt.Sprintf("xdpload %s detach dev %s %s link %d", kind, device, point, id)
	}
	return fmt.Sprintf("xdpload link set dev %s xdp off link %d", device, id)
}
