package cli

import (
	"os"
	"slices"
	"strconv"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/cmd/xdpload/internal/subject"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
)

// offer adds the names that only the kernel or an object file knows. What
// cannot be looked up is not offered.
func offer(e *env.Env, c *grammar.Completion, kind grammar.Kind) {
	switch kind {
	case grammar.Device:
		offerDevices(e, c)
	case grammar.Netns:
		entries, _ := os.ReadDir(netns.Dir)
		for _, entry := range entries {
			offerName(c, entry.Name(), "")
		}
	case grammar.Section, grammar.Program:
		offerPrograms(c, kind)
	case grammar.LoadedProgram, grammar.LoadedProgramID:
		for p, err := range subject.LoadedPrograms() {
			if err != nil {
				return
			}
			offerLoaded(c, kind == grammar.LoadedProgramID, uint32(p.ID), p.Name)
		}
	case grammar.LoadedMap, grammar.LoadedMapID:
		for id, err := range subject.MapIDs() {
			if err != nil {
				return
			}
			offerLoaded(c, kind == grammar.LoadedMapID, id, subject.NameOfMap(id))
		}
	default: // the shell's, or nobody's
	}
}

// offerName offers a name that a terminal shows as it is.
func offerName(c *grammar.Completion, name, help string) {
	if render.Line(name) == name {
		c.Offer(name, render.Line(help))
	}
}

// offerLoaded offers what the kernel has, by its id or by its name. A name that several
// have is offered once.
func offerLoaded(c *grammar.Completion, byID bool, id uint32, name string) {
	number := strconv.FormatUint(uint64(id), 10)
	same := func(o grammar.Candidate) bool { return o.Word == name }
	switch {
	case byID:
		offerName(c, number, name)
	case name != "" && !slices.ContainsFunc(c.Candidates, same):
		offerName(c, name, "id "+number)
	}
}

// bound is the last value before the cursor that names such a thing, by the name that
// the grammar has for it; "" stands for any, and for none.
func bound(c *grammar.Completion, kind grammar.Kind, name string) (word string) {
	for _, b := range c.Bound {
		if b.Kind == kind && (name == "" || b.Name == name) {
			word = b.Word
		}
	}
	return word
}

// offerDevices offers those of the network namespace that -netns names.
func offerDevices(e *env.Env, c *grammar.Completion) {
	_ = netns.Do(bound(c, grammar.Netns, "netns"), func() error {
		conn, err := e.Netlink()
		if err != nil {
			return err
		}
		for l, err := range conn.Links() {
			if err != nil {
				return err
			}
			offerName(c, l.Name, l.Kind)
		}
		return nil
	})
}

// offerPrograms offers the sections of an object, or its programs, of the section only
// that stands before the cursor.
func offerPrograms(c *grammar.Completion, kind grammar.Kind) {
	section := bound(c, grammar.Section, "")
	for _, b := range c.Bound {
		if b.Kind != grammar.File || b.Word == "-" {
			continue
		}
		obj, err := elf.Open(b.Word)
		if err != nil {
			continue
		}
		for _, p := range obj.Programs() {
			switch {
			case kind == grammar.Section:
				offerName(c, p.Section, p.Name)
			case section == "" || section == p.Section:
				offerName(c, p.Name, p.Section)
			}
		}
	}
}
