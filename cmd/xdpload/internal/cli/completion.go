package cli

import (
	"context"
	"io"

	"github.com/xdpload/xdpload/cmd/xdpload/internal/env"
	"github.com/xdpload/xdpload/internal/grammar"
)

func completionCommand() env.Command {
	return env.Command{
		Name:        "completion",
		Summary:     "print the completion script of a shell",
		Description: `Prints a script with which the shell completes the words of xdpload, the names of devices (of the -netns that the line names) and network namespaces, those and the ids of loaded programs and maps, and the sections and programs of the object file that the line names.`,
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
