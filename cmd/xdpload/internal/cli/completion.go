package cli

import (
	"context"
	"io"
	"os"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/elf"
	"github.com/xdpload/xdpload/internal/grammar"
	"github.com/xdpload/xdpload/internal/netns"
	"github.com/xdpload/xdpload/internal/render"
)

func completionCommand() env.Command {
	return env.Command{
		Name:        "completion",
		Summary:     "print the completion script of a shell",
		Description: `Prints a script with which the shell completes the words of xdpload, the names of devices and network namespaces, and the sections and programs of the object file that the line names.`,
		Examples: []grammar.Example{
			{Line: "source <(xdpload completion bash)", Help: "for the running shell"},
		},
		New: func() (*grammar.Node, env.Request) {
			var shell string
			choose := func(name, help string) *grammar.Node { return grammar.Const(name, &shell, name).Help(help) }
			return grammar.Alt(
					choose("bash", "to be sourced, or put below bash-completion/completions as xdpload"),
					choose("zsh", "to be put into a directory of $fpath as _xdpload"),
					choose("fish", "to be put into a directory of $fish_complete_path as xdpload.fish"),
				), env.Runner(func(_ context.Context, e *env.Env) (any, error) {
					text, err := grammar.Script(shell, "xdpload")
					if err == nil {
						_, err = io.WriteString(e.Stdout, text)
					}
					return nil, err
				})
		},
	}
}

// completeCommand is what the scripts call: with the words that are typed, and
// last the one to complete, which may be empty.
func completeCommand() env.Command {
	return env.Command{
		Name:   "__complete",
		Hidden: true,
		New: func() (*grammar.Node, env.Request) {
			var words []string
			set := func(w []string) error { words = w; return nil }
			return grammar.Rest("WORD", set), env.Runner(func(_ context.Context, e *env.Env) (any, error) {
				last := len(words) - 1
				c := commands().Complete(manual(), words[:last], words[last])
				for _, kind := range c.Kinds {
					offer(e, c, kind)
				}
				return nil, c.Write(e.Stdout)
			})
		},
	}
}

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
	default: // the shell's, or nobody's
	}
}

// offerName offers a name that a terminal shows as it is.
func offerName(c *grammar.Completion, name, help string) {
	if render.Line(name) == name {
		c.Offer(name, render.Line(help))
	}
}

func offerDevices(e *env.Env, c *grammar.Completion) {
	conn, err := e.Netlink()
	if err != nil {
		return
	}
	for l, err := range conn.Links() {
		if err != nil {
			return
		}
		offerName(c, l.Name, l.Kind)
	}
}

func offerPrograms(c *grammar.Completion, kind grammar.Kind) {
	for _, b := range c.Bound {
		if b.Kind != grammar.File || b.Word == "-" {
			continue
		}
		obj, err := elf.Open(b.Word)
		if err != nil {
			continue
		}
		for _, p := range obj.Programs() {
			if kind == grammar.Section {
				offerName(c, p.Section, p.Name)
			} else {
				offerName(c, p.Name, p.Section)
			}
		}
	}
}
