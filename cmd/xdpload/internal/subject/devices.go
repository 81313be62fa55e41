package subject

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/netlink"
)

// DevicesRequest is which devices a line is about: one by its name, or several.
type DevicesRequest struct {
	Names []string // patterns too
	Group string   // a number or a name
	All   bool
}

// HelpPattern is the help for the name of a device where a pattern is understood too.
const HelpPattern = "the device's name; a pattern such as 'veth*' for all whose name or alternative name matches"

// Grammar is the words after "link set": ip's, with dev repeated.
func (r *DevicesRequest) Grammar() *grammar.Node {
	one := func() *grammar.Node {
		return grammar.Value("DEV", grammar.Append(&r.Names)).Completes(grammar.Device).Help(HelpPattern)
	}
	return grammar.Alt(
		grammar.Key("group", "GROUP", grammar.String(&r.Group)).Exact().
			Help("the devices of this group, a number or a name from /etc/iproute2/group"),
		grammar.Const("all", &r.All, true).Exact().
			Help("every device of the network namespace, but lo only to detach"),
		grammar.Seq(
			grammar.Opt(grammar.Word("dev").Exact().Help("may be left out before the name of the first device")),
			one(),
			grammar.Opt(grammar.Word("dev", one()).Exact().Repeat().Help("one more device")),
		),
	)
}

// Several reports whether the words stand for any number of devices.
func (r *DevicesRequest) Several() bool {
	return r.All || r.Group != "" || len(r.Names) > 1 || len(r.Names) == 1 && isPattern(r.Names[0])
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// Check is for the end of the line.
func (r *DevicesRequest) Check() error {
	for _, name := range r.Names {
		if _, err := path.Match(name, ""); isPattern(name) && err != nil {
			return fmt.Errorf("%q is not a pattern: a [ needs its ]", name)
		}
	}
	return nil
}

// String is what the user has called them.
func (r *DevicesRequest) String() string {
	switch {
	case r.All:
		return "all"
	case r.Group != "":
		return "group " + r.Group
	}
	return strings.Join(r.Names, " ")
}

// Resolve finds the devices, each once, in the order of the words. What a word
// does not find is a failure of its own, unless nothing is found at all.
func (r *DevicesRequest) Resolve(e *env.Env, loopback bool) ([]*netlink.Link, []DeviceFailure, error) {
	conn, err := e.Netlink()
	if err != nil {
		return nil, nil, err
	}
	all, err := Collect(conn.Links(), nil)
	if err != nil {
		return nil, nil, err
	}
	found, missing, err := r.Choose(all, loopback)
	if err == nil && len(found) == 0 {
		err = r.none(missing)
	}
	return found, missing, err
}

// Find is resolve, and for a single device no more than one request.
func (r *DevicesRequest) Find(e *env.Env, loopback bool) ([]*netlink.Link, []DeviceFailure, error) {
	if r.Several() {
		links, missing, err := r.Resolve(e, loopback)
		if err == nil && e.Atomic && len(missing) > 0 {
			err = &DevicesError{Failed: missing, Of: len(links) + len(missing), Undone: true}
		}
		return links, missing, err
	}
	_, l, err := e.Link(r.Names[0])
	return []*netlink.Link{l}, nil, err
}

// Choose is resolve on what is there.
func (r *DevicesRequest) Choose(all []*netlink.Link, loopback bool) (found []*netlink.Link, missing []DeviceFailure, err error) {
	switch {
	case r.All:
		return keep(all, func(l *netlink.Link) bool { return loopback || l.Flags&unix.IFF_LOOPBACK == 0 }), nil, nil
	case r.Group != "":
		group, err := groupNumber(r.Group)
		if err != nil {
			return nil, nil, err
		}
		return keep(all, func(l *netlink.Link) bool { return l.Group == group }), nil, nil
	}
	names := make(map[string]*netlink.Link, len(all))
	for _, l := range all {
		names[l.Name] = l
		for _, name := range l.AltNames {
			names[name] = l
		}
	}
	seen := make(map[int]bool, len(all))
	for _, name := range r.Names {
		some := matching(all, names, name)
		if len(some) == 0 {
			missing = append(missing, DeviceFailure{Device: name, Err: &env.DeviceError{Name: name, Pattern: isPattern(name), Err: os.ErrNotExist}})
		}
		for _, l := range some {
			if !seen[l.Index] {
				seen[l.Index] = true
				found = append(found, l)
			}
		}
	}
	return found, missing, nil
}

// matching are the devices that one word names. A device may have a name that
// looks like a pattern.
func matching(all []*netlink.Link, names map[string]*netlink.Link, name string) []*netlink.Link {
	if l := names[name]; l != nil {
		return []*netlink.Link{l}
	}
	if !isPattern(name) {
		return nil
	}
	fits := func(s string) bool {
		ok, err := path.Match(name, s)
		return ok && err == nil
	}
	return keep(all, func(l *netlink.Link) bool { return fits(l.Name) || slices.ContainsFunc(l.AltNames, fits) })
}

func keep(all []*netlink.Link, want func(*netlink.Link) bool) (kept []*netlink.Link) {
	for _, l := range all {
		if want(l) {
			kept = append(kept, l)
		}
	}
	return kept
}

// none says why nothing was found.
func (r *DevicesRequest) none(missing []DeviceFailure) error {
	switch {
	case r.Group != "":
		return errors.New("no device is in this group")
	case r.All:
		return errors.New("no device is in this network namespace but lo")
	case len(missing) == 1:
		return missing[0].Err
	}
	return &DevicesError{Failed: missing, Of: len(missing)}
}

// groupNumber is as ip reads it: a number, or a name of the files.
func groupNumber(word string) (uint32, error) {
	if n, err := grammar.ParseNumber[uint32](word, 0, math.MaxUint32); err == nil {
		return n, nil
	}
	for _, file := range []string{"/etc/iproute2/group", "/usr/share/iproute2/group"} {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if n, ok := GroupNamed(string(text), word); ok {
			return n, nil
		}
	}
	if word == "default" {
		return 0, nil
	}
	return 0, fmt.Errorf("no such group: neither a number nor a name in /etc/iproute2/group")
}

// GroupNamed reads lines of a number and a name (lib/rt_names.c of iproute2,
// rtnl_hash_initialize).
func GroupNamed(text, name string) (uint32, bool) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[1] != name {
			continue
		}
		if n, err := grammar.ParseNumber[uint32](fields[0], 0, math.MaxUint32); err == nil {
			return n, true
		}
	}
	return 0, false
}
